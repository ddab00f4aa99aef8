"""A folder of pictures: submitted, resumed, and saved beside its manifest."""
