//! JSON Schemas of the types that an application takes and gives, by schemars, made ready for an
//! OpenAPI 3.1 document (JSON Schema 2020-12).

use std::collections::{BTreeMap, BTreeSet};

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

/// The extension under which `#[model]` notes a type's module path, to tell apart two types of one
/// name. It never leaves this module.
const TYPE_PATH: &str = "x-photon-type";

/// Where the two generators put their definitions until [`Schemas::finish`] decides on names.
const INPUT: &str = "/input";
const OUTPUT: &str = "/output";

/// Collects the schemas of one document. What a client may send and what it gets can differ for
/// one type (a defaulted field is optional going in and always there coming out), so both are kept.
pub struct Schemas {
    input: SchemaGenerator,
    output: SchemaGenerator,
}

impl Default for Schemas {
    fn default() -> Self {
        let settings = |path: &'static str| {
            let mut settings = SchemaSettings::draft2020_12();
            settings.definitions_path = path.into();
            settings.meta_schema = None;
            settings.with_transform(Honest)
        };
        Self {
            input: SchemaGenerator::new(settings(INPUT)),
            output: SchemaGenerator::new(settings(OUTPUT).for_serialize()),
        }
    }
}

impl Schemas {
    /// The schema of a type that comes in: a reference for named types.
    pub fn input<T: JsonSchema>(&mut self) -> Value {
        honest(self.input.subschema_for::<T>())
    }

    /// The schema of a type that comes in, written out even if it is named.
    pub fn input_inline<T: JsonSchema>(&mut self) -> Value {
        honest(T::json_schema(&mut self.input))
    }

    /// The schema of a type that goes out: a reference for named types.
    pub fn output<T: JsonSchema>(&mut self) -> Value {
        honest(self.output.subschema_for::<T>())
    }

    /// The schema of one type with all that it refers to inside, to check values against.
    #[must_use]
    pub fn standalone<T: JsonSchema>() -> Value {
        let mut settings = SchemaSettings::draft2020_12();
        settings.meta_schema = None;
        SchemaGenerator::new(settings.with_transform(Honest)).into_root_schema_for::<T>().to_value()
    }

    /// The named schemas for `components/schemas`, and the map that turns the temporary references
    /// of the schemas given out so far into references to them. None of them is called as in `taken`.
    #[must_use]
    pub fn finish(mut self, taken: impl IntoIterator<Item = String>) -> (Map<String, Value>, References) {
        let input = self.input.take_definitions(true);
        let output = self.output.take_definitions(true);
        let different = different_types(&input, &output);
        let mut taken: BTreeSet<String> = taken.into_iter().collect();
        let mut references = References::default();
        for (key, name) in unique_names(&input, &output, &mut taken) {
            let mut add = |path: &str, name: String| {
                references.0.insert(format!("#{path}/{}", escape(&key)), name);
            };
            if different.contains(&key) {
                add(INPUT, free(format!("{name}Input"), &mut taken));
                add(OUTPUT, free(format!("{name}Output"), &mut taken));
            } else {
                add(INPUT, name.clone());
                add(OUTPUT, name);
            }
        }
        let mut named = BTreeMap::new();
        for (path, definitions) in [(INPUT, input), (OUTPUT, output)] {
            for (key, mut schema) in definitions {
                references.resolve(&mut schema);
                forget_types(&mut schema);
                named.insert(references.0[&format!("#{path}/{}", escape(&key))].clone(), schema);
            }
        }
        (named.into_iter().collect(), references)
    }
}

/// From temporary references to the names under `components/schemas`.
#[derive(Debug, Default)]
pub struct References(BTreeMap<String, String>);

impl References {
    /// Rewrites every temporary `$ref` below `value`.
    pub fn resolve(&self, value: &mut Value) {
        match value {
            Value::Object(object) => {
                for (key, value) in object {
                    match (key.as_str(), &value) {
                        ("$ref", Value::String(target)) => {
                            if let Some(name) = self.0.get(target) {
                                *value = json!(format!("#/components/schemas/{name}"));
                            }
                        }
                        _ => self.resolve(value),
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.resolve(item)),
            _ => {}
        }
    }
}

/// The types whose input and output schemas differ, in themselves or in what they refer to.
fn different_types(input: &Map<String, Value>, output: &Map<String, Value>) -> BTreeSet<String> {
    let both = || input.iter().filter_map(|(key, schema)| Some((key, schema, output.get(key)?)));
    let mut different: BTreeSet<String> =
        both().filter(|(_, input, output)| !same_shape(input, output)).map(|(key, ..)| key.clone()).collect();
    loop {
        let more: Vec<String> = both()
            .filter(|(key, ..)| !different.contains(*key))
            .filter(|(_, input, output)| refers_to(input, &different) || refers_to(output, &different))
            .map(|(key, ..)| key.clone())
            .collect();
        if more.is_empty() {
            return different;
        }
        different.extend(more);
    }
}

fn refers_to(schema: &Value, keys: &BTreeSet<String>) -> bool {
    match schema {
        Value::Object(object) => object.iter().any(|(key, value)| match (key.as_str(), value) {
            ("$ref", Value::String(target)) => {
                target.rsplit('/').next().is_some_and(|key| keys.contains(&unescape(key)))
            }
            _ => refers_to(value, keys),
        }),
        Value::Array(items) => items.iter().any(|item| refers_to(item, keys)),
        _ => false,
    }
}

/// A name for each definition. schemars numbers types of one name (`Item2`); where the module path
/// is known, both are named by as much of it as it takes: `shop_Item`, `blog_Item`.
fn unique_names(
    input: &Map<String, Value>,
    output: &Map<String, Value>,
    taken: &mut BTreeSet<String>,
) -> BTreeMap<String, String> {
    let keys: BTreeSet<&String> = input.keys().chain(output.keys()).collect();
    let path = |key: &str| {
        let schema = input.get(key).or_else(|| output.get(key))?;
        schema[TYPE_PATH].as_str()
    };
    // The name without schemars's number, if the number tells apart two types of one name.
    let shared = |key: &str| {
        let base = key.trim_end_matches(|char: char| char.is_ascii_digit());
        let (own, other) = (path(key)?, path(base)?);
        let same_name = own.rsplit("::").next() == other.rsplit("::").next();
        (base != key && same_name && own != other).then(|| base.to_owned())
    };
    let mut groups: BTreeMap<String, Vec<&String>> = BTreeMap::new();
    for key in keys {
        groups.entry(shared(key).unwrap_or_else(|| key.clone())).or_default().push(key);
    }
    let mut names = BTreeMap::new();
    for (base, keys) in groups {
        let simple = component_name(&base);
        if keys.len() == 1 && !taken.contains(&simple) {
            taken.insert(simple.clone());
            names.insert(keys[0].clone(), simple);
            continue;
        }
        let depth = (1..8).find(|depth| {
            let qualified: BTreeSet<String> =
                keys.iter().map(|key| qualified(path(key), &base, *depth)).collect();
            qualified.len() == keys.len() && qualified.iter().all(|name| !taken.contains(name))
        });
        for key in keys {
            let name = qualified(path(key), &base, depth.unwrap_or(1));
            names.insert(key.clone(), free(name, taken));
        }
    }
    names
}

/// `my_app::shop::models::Item` is `models_Item` at depth 1 and `shop_models_Item` at depth 2.
fn qualified(path: Option<&str>, base: &str, depth: usize) -> String {
    let modules: Vec<&str> = path.map(|path| path.split("::").collect()).unwrap_or_default();
    let modules = modules.split_last().map(|(_, modules)| modules).unwrap_or_default();
    let used = &modules[modules.len().saturating_sub(depth)..];
    component_name(&used.iter().copied().chain([base]).collect::<Vec<_>>().join("_"))
}

/// The name, or one like it that nobody has; it is taken then.
fn free(mut name: String, taken: &mut BTreeSet<String>) -> String {
    while !taken.insert(name.clone()) {
        name.push('_');
    }
    name
}

/// OpenAPI 3.1 §4.8.7: component names are `[a-zA-Z0-9._-]+`.
fn component_name(name: &str) -> String {
    name.chars()
        .map(|char| if char.is_ascii_alphanumeric() || "._-".contains(char) { char } else { '_' })
        .collect()
}

/// Whether the input and output schema of a type are the same but for where they refer to.
fn same_shape(input: &Value, output: &Value) -> bool {
    match (input, output) {
        (Value::String(input), Value::String(output)) => {
            input == output
                || matches!((input.strip_prefix("#/input/"), output.strip_prefix("#/output/")), (Some(a), Some(b)) if a == b)
        }
        (Value::Object(input), Value::Object(output)) => {
            input.len() == output.len()
                && input
                    .iter()
                    .all(|(key, value)| output.get(key).is_some_and(|other| same_shape(value, other)))
        }
        (Value::Array(input), Value::Array(output)) => {
            input.len() == output.len()
                && input.iter().zip(output).all(|(input, output)| same_shape(input, output))
        }
        _ => input == output,
    }
}

/// Removes the notes on types, wherever a schema was written into another.
fn forget_types(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            object.remove(TYPE_PATH);
            object.values_mut().for_each(forget_types);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_types),
        _ => {}
    }
}

fn unescape(key: &str) -> String {
    key.replace("~1", "/").replace("~0", "~")
}

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn honest(mut schema: Schema) -> Value {
    Honest.transform(&mut schema);
    let mut schema = schema.to_value();
    forget_types(&mut schema);
    schema
}

/// Makes a schema say what deserialisation accepts: the range of each integer type, which JSON
/// Schema leaves open, and no uniqueness, which a Rust set does not demand of its input.
#[derive(Clone)]
struct Honest;

impl Transform for Honest {
    fn transform(&mut self, schema: &mut Schema) {
        if let Some((min, max)) = schema.get("format").and_then(Value::as_str).and_then(integer_range) {
            let object = schema.ensure_object();
            let has = |object: &Map<String, Value>, keys: [&str; 2]| {
                keys.iter().any(|key| object.contains_key(*key))
            };
            if !has(object, ["minimum", "exclusiveMinimum"]) {
                object.insert("minimum".to_owned(), min);
            }
            if !has(object, ["maximum", "exclusiveMaximum"]) {
                object.insert("maximum".to_owned(), max);
            }
        }
        schema.remove("uniqueItems");
        transform_subschemas(self, schema);
    }
}

fn integer_range(format: &str) -> Option<(Value, Value)> {
    Some(match format {
        "int8" => (json!(i8::MIN), json!(i8::MAX)),
        "int16" => (json!(i16::MIN), json!(i16::MAX)),
        "int32" => (json!(i32::MIN), json!(i32::MAX)),
        "int64" | "int" => (json!(i64::MIN), json!(i64::MAX)),
        "uint8" => (json!(0), json!(u8::MAX)),
        "uint16" => (json!(0), json!(u16::MAX)),
        "uint32" => (json!(0), json!(u32::MAX)),
        "uint64" | "uint" => (json!(0), json!(u64::MAX)),
        _ => return None,
    })
}
