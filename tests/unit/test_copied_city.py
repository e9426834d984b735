"""The large city of the benches has prices of its own: what belongs to a model's price may not come with it."""

from hutong.catalog import PLAIN
from hutong.cli.demo.city_data import read_city
from hutong.cli.demo.scale import pieces


def test_copies_are_sold_plainly_whatever_their_models_are():
    data = read_city()
    assert any(offer.form != PLAIN for merchant in data.merchants for offer in merchant.offers), "some models are not"
    made = [offer for piece in pieces(data, 300) for merchant in piece.merchants for offer in merchant.offers]
    assert made
    assert all(offer.form == PLAIN for offer in made)
    assert all(0 < offer.price < offer.list_price for offer in made)
