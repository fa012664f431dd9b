"""The machinery: knows no data set and no experiment's folders."""
