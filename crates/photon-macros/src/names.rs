//! The names that serde gives fields in JSON: `rename` on the field, `rename_all` on the container.

use syn::ext::IdentExt;
use syn::{Attribute, Field, LitStr, Token};

/// The JSON name of a named field.
pub(crate) fn wire_name(field: &Field, container: &[Attribute]) -> String {
    let name = field.ident.as_ref().map(|name| name.unraw().to_string()).unwrap_or_default();
    serde_name(&field.attrs, "rename")
        .or_else(|| serde_name(container, "rename_all").map(|rule| apply(&rule, &name)))
        .unwrap_or(name)
}

/// `key = "…"` or `key(deserialize = "…")` of a `#[serde(…)]` attribute.
fn serde_name(attributes: &[Attribute], key: &str) -> Option<String> {
    let mut found = None;
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        // Mistakes in the attribute are serde's to report.
        let _ = attribute.parse_nested_meta(|meta| {
            let wanted = meta.path.is_ident(key);
            if meta.input.peek(syn::token::Paren) {
                return meta.parse_nested_meta(|inner| {
                    let value: LitStr = inner.value()?.parse()?;
                    if wanted && inner.path.is_ident("deserialize") {
                        found = Some(value.value());
                    }
                    Ok(())
                });
            }
            if meta.input.peek(Token![=]) {
                let value: syn::Expr = meta.value()?.parse()?;
                if let (true, syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. })) = (wanted, value)
                {
                    found = Some(text.value());
                }
            }
            Ok(())
        });
    }
    found
}

/// Whether `#[serde(flag)]` is there, for one of some flags.
pub(crate) fn has_serde_flag(attributes: &[Attribute], flags: &[&str]) -> bool {
    let mut found = false;
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        let _ = attribute.parse_nested_meta(|meta| {
            found |= flags.iter().any(|flag| meta.path.is_ident(flag));
            if meta.input.peek(Token![=]) {
                let _: syn::Expr = meta.value()?.parse()?;
            } else if meta.input.peek(syn::token::Paren) {
                meta.parse_nested_meta(|inner| inner.value()?.parse::<LitStr>().map(drop))?;
            }
            Ok(())
        });
    }
    found
}

/// The text of `#[serde(key = "…")]`.
pub(crate) fn serde_text(attributes: &[Attribute], key: &str) -> Option<String> {
    serde_name(attributes, key)
}

/// The JSON name of an enum's variant.
pub(crate) fn variant_name(variant: &syn::Variant, container: &[Attribute]) -> String {
    let name = variant.ident.unraw().to_string();
    let snake = || {
        let mut snake = String::new();
        for (index, char) in name.char_indices() {
            if char.is_uppercase() && index > 0 {
                snake.push('_');
            }
            snake.extend(char.to_lowercase());
        }
        snake
    };
    serde_name(&variant.attrs, "rename").unwrap_or_else(|| {
        match serde_name(container, "rename_all").as_deref() {
            None | Some("PascalCase") => name.clone(),
            Some("lowercase") => name.to_lowercase(),
            Some("UPPERCASE") => name.to_uppercase(),
            Some(rule) => apply(rule, &snake()),
        }
    })
}

/// serde's renaming rules, from a snake-case field name.
fn apply(rule: &str, name: &str) -> String {
    let capitalised = |word: &str| {
        let mut chars = word.chars();
        chars.next().map(|first| first.to_ascii_uppercase().to_string() + chars.as_str()).unwrap_or_default()
    };
    let pascal = || name.split('_').map(capitalised).collect::<String>();
    match rule {
        "UPPERCASE" | "SCREAMING_SNAKE_CASE" => name.to_ascii_uppercase(),
        "PascalCase" => pascal(),
        "camelCase" => {
            let pascal = pascal();
            let mut chars = pascal.chars();
            chars
                .next()
                .map(|first| first.to_ascii_lowercase().to_string() + chars.as_str())
                .unwrap_or_default()
        }
        "kebab-case" => name.replace('_', "-"),
        "SCREAMING-KEBAB-CASE" => name.to_ascii_uppercase().replace('_', "-"),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules() {
        let cases = [
            ("camelCase", "firstName"),
            ("PascalCase", "FirstName"),
            ("kebab-case", "first-name"),
            ("SCREAMING_SNAKE_CASE", "FIRST_NAME"),
            ("snake_case", "first_name"),
        ];
        for (rule, name) in cases {
            assert_eq!(apply(rule, "first_name"), name, "{rule}");
        }
    }
}
