-- How large the city :city is.
select json_build_object(
    'stores', (select count(*) from catalog.storefronts where city_id = :city),
    'offers', (select count(*) from catalog.offers where city_id = :city)
);
