"""What pages of docs/ are made of: the API reference, from the CRDs. Writes nothing by itself."""
