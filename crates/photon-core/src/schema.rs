//! JSON Schemas of the types that an application takes and gives, by schemars, made ready for an
//! OpenAPI 3.1 document (JSON Schema 2020-12).

use std::collections::BTreeMap;

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
    /// of the schemas given out so far into references to them.
    #[must_use]
    pub fn finish(mut self) -> (Map<String, Value>, References) {
        let input = self.input.take_definitions(true);
        let output = self.output.take_definitions(true);
        let mut references = References::default();
        let input_names = unique_names(&input);
        let output_names = unique_names(&output);
        for (key, name) in &input_names {
            let same = output.get(key).is_none_or(|other| same_shape(&input[key], other));
            let name = if same { name.clone() } else { format!("{name}Input") };
            references.0.insert(format!("#{INPUT}/{}", escape(key)), name);
        }
        for (key, name) in &output_names {
            let same = input.get(key).is_none_or(|other| same_shape(other, &output[key]));
            let name = if same { name.clone() } else { format!("{name}Output") };
            references.0.insert(format!("#{OUTPUT}/{}", escape(key)), name);
        }
        let mut named = BTreeMap::new();
        for (path, definitions) in [(INPUT, input), (OUTPUT, output)] {
            for (key, mut schema) in definitions {
                references.resolve(&mut schema);
                if let Some(object) = schema.as_object_mut() {
                    object.remove(TYPE_PATH);
                }
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

/// Names for the definitions of one generator. schemars numbers types of one name (`Item2`); where
/// the module path is known, both are named by their modules instead: `shop_Item`, `blog_Item`.
fn unique_names(definitions: &Map<String, Value>) -> BTreeMap<String, String> {
    let base = |key: &str| {
        let base = key.trim_end_matches(|char: char| char.is_ascii_digit());
        if definitions.contains_key(base) { base.to_owned() } else { key.to_owned() }
    };
    let mut groups: BTreeMap<String, Vec<&String>> = BTreeMap::new();
    for key in definitions.keys() {
        groups.entry(base(key)).or_default().push(key);
    }
    let mut names = BTreeMap::new();
    for (_, keys) in groups {
        for key in &keys {
            let path = definitions[key.as_str()][TYPE_PATH].as_str();
            let name = match path {
                Some(path) if keys.len() > 1 => qualified(path),
                _ => (*key).clone(),
            };
            names.insert((*key).clone(), component_name(&name));
        }
    }
    names
}

/// `my_app::shop::models::Item` → `models_Item`; the crate's own root gives `my_app_Item`.
fn qualified(path: &str) -> String {
    let mut segments = path.rsplit("::");
    let name = segments.next().unwrap_or_default();
    segments.next().map_or_else(|| name.to_owned(), |module| format!("{module}_{name}"))
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

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn honest(mut schema: Schema) -> Value {
    Honest.transform(&mut schema);
    if let Some(object) = schema.as_object_mut() {
        object.remove(TYPE_PATH);
    }
    schema.to_value()
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
