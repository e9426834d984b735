"""Cities, districts and nearness."""

from hutong.places import near
from hutong.places.lanes import sketch
from hutong.places.model import (
    AddCity,
    AddDistrict,
    City,
    CityTaken,
    District,
    DistrictTaken,
    Landmark,
    LandmarkTaken,
    UnknownCity,
    crosses,
)
from hutong.places.operations import add_cities, add_districts, add_landmarks
from hutong.places.queries import (
    cities,
    cities_of,
    city,
    city_at,
    city_by_slug,
    districts,
    districts_by_number,
    landmarks_of,
    next_number,
)
from hutong.places.spelling import pinyin, spell

__all__ = [
    "AddCity", "AddDistrict", "City", "CityTaken", "District", "DistrictTaken", "Landmark", "LandmarkTaken",
    "UnknownCity", "add_cities", "add_districts", "add_landmarks", "cities", "cities_of", "city", "city_at",
    "city_by_slug", "crosses", "districts", "districts_by_number", "landmarks_of", "near", "next_number", "pinyin",
    "sketch", "spell",
]  # fmt: skip
