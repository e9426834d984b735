"""Cities, districts and nearness."""

from hutong.places import near
from hutong.places.lanes import sketch
from hutong.places.model import AddCity, AddDistrict, City, CityTaken, District, DistrictTaken, UnknownCity
from hutong.places.operations import add_cities, add_districts
from hutong.places.queries import cities, cities_of, city, city_at, city_by_slug, districts, districts_by_number
from hutong.places.spelling import pinyin, spell

__all__ = [
    "AddCity", "AddDistrict", "City", "CityTaken", "District", "DistrictTaken", "UnknownCity", "add_cities",
    "add_districts", "cities", "cities_of", "city", "city_at", "city_by_slug", "districts", "districts_by_number",
    "near", "pinyin", "sketch", "spell",
]  # fmt: skip
