"""Cities, districts and nearness."""

from hutong.places import near
from hutong.places.model import AddCity, AddDistrict, City, CityTaken, District, DistrictTaken, UnknownCity
from hutong.places.operations import add_cities, add_districts
from hutong.places.queries import cities, city, city_at, city_by_slug, districts
from hutong.places.spelling import pinyin, spell

__all__ = [
    "AddCity", "AddDistrict", "City", "CityTaken", "District", "DistrictTaken", "UnknownCity", "add_cities",
    "add_districts", "cities", "city", "city_at", "city_by_slug", "districts", "near", "pinyin", "spell",
]  # fmt: skip
