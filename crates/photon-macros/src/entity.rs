//! SeaORM's entities as models: all of them are called `Model`, so the document calls them by their tables.

use syn::{Attribute, DeriveInput, LitStr};

/// The name for the schema of an entity: its table's, as a type. `None` if it is no entity.
pub(crate) fn schema_name(input: &DeriveInput) -> Option<String> {
    if input.ident != "Model" {
        return None;
    }
    input.attrs.iter().filter(|attribute| attribute.path().is_ident("sea_orm")).find_map(table_name).map(
        |table| {
            let words = table.split(|char: char| !char.is_alphanumeric()).filter(|word| !word.is_empty());
            words.map(capitalised).collect()
        },
    )
}

fn table_name(attribute: &Attribute) -> Option<String> {
    let mut table = None;
    // What the attribute says otherwise, and whether that is right, is SeaORM's business.
    let _ = attribute.parse_nested_meta(|meta| {
        let value = meta.value()?;
        if meta.path.is_ident("table_name") {
            table = Some(value.parse::<LitStr>()?.value());
        } else {
            value.parse::<syn::Expr>()?;
        }
        Ok(())
    });
    table
}

fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    #[test]
    fn an_entity_is_called_by_its_table() {
        for (input, expected) in [
            (
                parse_quote!(
                    #[sea_orm(table_name = "product")]
                    struct Model;
                ),
                Some("Product"),
            ),
            (
                parse_quote!(
                    #[sea_orm(schema_name = "s", table_name = "order_line")]
                    struct Model;
                ),
                Some("OrderLine"),
            ),
            (
                parse_quote!(
                    #[sea_orm(rs_type = "String")]
                    struct Model;
                ),
                None,
            ),
            (
                parse_quote!(
                    #[sea_orm(table_name = "product")]
                    struct Other;
                ),
                None,
            ),
            (
                parse_quote!(
                    struct Model;
                ),
                None,
            ),
        ] {
            assert_eq!(schema_name(&input).as_deref(), expected);
        }
    }
}
