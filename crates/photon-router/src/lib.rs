//! OpenAPI 3.1 documents, and a router that is built from one.
