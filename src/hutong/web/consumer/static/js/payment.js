// On to the provider's page, leaving none of ours in the history; or ask once more whether it has answered.
const way = document.querySelector("a[data-pay]");
if (way) location.replace(way.href);
else setTimeout(() => location.replace(location.href), 5000);
