//! Bounds on a single value, as argument attributes and schemas state them.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, RwLock};

use regex::Regex;
use serde_json::{Map, Number, Value, json};

use super::Fault;

/// A numeric bound that keeps whether it was written as an integer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// A bound on integers.
    Int(i128),
    /// A bound on floating-point numbers.
    Float(f64),
}

impl Bound {
    fn as_f64(self) -> f64 {
        match self {
            Self::Int(int) => int as f64,
            Self::Float(float) => float,
        }
    }

    /// The bound as JSON; integers that JSON numbers cannot hold become floats.
    #[must_use]
    pub fn to_json(self) -> Value {
        match self {
            Self::Int(int) => Number::from_i128(int).map_or_else(|| json!(int as f64), Value::Number),
            Self::Float(float) => json!(float),
        }
    }

    fn of(value: &Value) -> Option<Self> {
        let number = value.as_number()?;
        number.as_i128().map(Self::Int).or_else(|| number.as_f64().map(Self::Float))
    }

    fn text(self) -> String {
        match self {
            Self::Int(int) => int.to_string(),
            // Pydantic writes "greater than 0" for a bound of 0.0.
            Self::Float(float) => float.to_string(),
        }
    }

    // The context carries a bound on a float as a float, as Pydantic does.
    fn context(self, measure: &Measure<'_>) -> Value {
        match measure {
            Measure::Float(_) => json!(self.as_f64()),
            _ => self.to_json(),
        }
    }
}

/// What a value offers to be measured by.
#[derive(Debug, Clone, Copy)]
pub enum Measure<'a> {
    /// Nothing that a constraint speaks of.
    None,
    /// An integer.
    Int(i128),
    /// A floating-point number.
    Float(f64),
    /// A text: its characters and its pattern.
    Text(&'a str),
    /// A list: its length.
    Items(usize),
}

/// The constraints that an argument attribute can state, such as `ge = 1` or `max_length = 50`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Constraints {
    /// Greater than.
    pub gt: Option<Bound>,
    /// Greater than or equal.
    pub ge: Option<Bound>,
    /// Less than.
    pub lt: Option<Bound>,
    /// Less than or equal.
    pub le: Option<Bound>,
    /// A multiple of.
    pub multiple_of: Option<Bound>,
    /// The fewest characters, or items of a list.
    pub min_length: Option<usize>,
    /// The most characters, or items of a list.
    pub max_length: Option<usize>,
    /// A regular expression that must match somewhere in the text.
    pub pattern: Option<&'static str>,
}

impl Constraints {
    /// No constraint.
    pub const NONE: Self = Self {
        gt: None,
        ge: None,
        lt: None,
        le: None,
        multiple_of: None,
        min_length: None,
        max_length: None,
        pattern: None,
    };

    /// What the constraints on a list ask of each item: all but the lengths.
    pub(crate) const fn of_items(self) -> Self {
        Self { min_length: None, max_length: None, ..self }
    }

    /// The first constraint that a value does not meet.
    #[must_use]
    pub fn check(&self, measure: Measure<'_>) -> Option<Fault> {
        match measure {
            Measure::None => None,
            Measure::Int(_) | Measure::Float(_) => self.check_number(&measure),
            Measure::Text(text) => self.check_text(text),
            Measure::Items(count) => self.check_items(count),
        }
    }

    fn check_number(&self, measure: &Measure<'_>) -> Option<Fault> {
        let rules: [(Option<Bound>, Rule); 5] = [
            (self.gt, Rule::Greater),
            (self.ge, Rule::GreaterOrEqual),
            (self.lt, Rule::Less),
            (self.le, Rule::LessOrEqual),
            (self.multiple_of, Rule::MultipleOf),
        ];
        rules.into_iter().find_map(|(bound, rule)| {
            let bound = bound?;
            (!rule.holds(measure, bound)).then(|| rule.fault(measure, bound))
        })
    }

    fn check_text(&self, text: &str) -> Option<Fault> {
        // Counting characters is linear, so look at the byte length first.
        if let Some(min) = self.min_length
            && (text.len() < min || text.chars().count() < min)
        {
            let message = format!("String should have at least {}", plural(min, "character"));
            return Some(Fault::new("string_too_short", message).context("min_length", min));
        }
        if let Some(max) = self.max_length
            && text.len() > max
            && text.chars().count() > max
        {
            let message = format!("String should have at most {}", plural(max, "character"));
            return Some(Fault::new("string_too_long", message).context("max_length", max));
        }
        check_pattern(self.pattern?, text)
    }

    fn check_items(&self, count: usize) -> Option<Fault> {
        if let Some(min) = self.min_length
            && count < min
        {
            return Some(too_short(min, count));
        }
        let max = self.max_length?;
        (count > max).then(|| too_long(max, count))
    }

    /// Writes the constraints into a schema; `list` says that lengths count items and the rest is
    /// about each of them.
    pub fn document(&self, schema: &mut Map<String, Value>, list: bool) {
        if let (true, Some(Value::Object(items))) = (list, schema.get_mut("items")) {
            self.of_items().document(items, false);
        } else {
            self.document_value(schema);
        }
        let (min, max) = if list { ("minItems", "maxItems") } else { ("minLength", "maxLength") };
        for (key, length) in [(min, self.min_length), (max, self.max_length)] {
            if let Some(length) = length {
                schema.insert(key.to_owned(), json!(length));
            }
        }
    }

    fn document_value(&self, schema: &mut Map<String, Value>) {
        let numbers = [
            ("exclusiveMinimum", self.gt),
            ("minimum", self.ge),
            ("exclusiveMaximum", self.lt),
            ("maximum", self.le),
            ("multipleOf", self.multiple_of),
        ];
        for (key, bound) in numbers {
            if let Some(bound) = bound {
                schema.insert(key.to_owned(), bound.to_json());
            }
        }
        if let Some(pattern) = self.pattern {
            schema.insert("pattern".to_owned(), json!(pattern));
        }
    }
}

/// Checks a number against the numeric keywords of a schema (JSON Schema 2020-12 §6.2).
pub(super) fn check_schema_number(schema: &Value, measure: Measure<'_>) -> Option<Fault> {
    let bound = |key: &str| Bound::of(&schema[key]);
    Constraints {
        gt: bound("exclusiveMinimum"),
        ge: bound("minimum"),
        lt: bound("exclusiveMaximum"),
        le: bound("maximum"),
        multiple_of: bound("multipleOf"),
        ..Constraints::NONE
    }
    .check(measure)
}

/// Checks a text against the string keywords of a schema (JSON Schema 2020-12 §6.3).
pub(super) fn check_schema_text(schema: &Value, text: &str) -> Option<Fault> {
    let lengths = Constraints {
        min_length: length(schema, "minLength"),
        max_length: length(schema, "maxLength"),
        ..Constraints::NONE
    };
    if let Some(fault) = lengths.check_text(text) {
        return Some(fault);
    }
    check_pattern(schema["pattern"].as_str()?, text)
}

/// A pattern that does not compile refuses everything: nobody knows what it was to let through. An
/// application with one of its own does not start.
fn check_pattern(expression: &str, text: &str) -> Option<Fault> {
    if pattern(expression).is_ok_and(|regex| regex.is_match(text)) {
        return None;
    }
    let message = format!("String should match pattern '{expression}'");
    Some(Fault::new("string_pattern_mismatch", message).context("pattern", expression))
}

/// Checks a list against the array keywords of a schema (JSON Schema 2020-12 §6.4).
pub(super) fn check_schema_items(schema: &Value, count: usize) -> Option<Fault> {
    Constraints {
        min_length: length(schema, "minItems"),
        max_length: length(schema, "maxItems"),
        ..Constraints::NONE
    }
    .check_items(count)
}

/// Checks the number of fields of an object (JSON Schema 2020-12 §6.5).
pub(super) fn check_schema_fields(schema: &Value, count: usize) -> Option<Fault> {
    let describe = |bound: &str, limit: usize| {
        format!("Dictionary should have at {bound} {} after validation, not {count}", plural(limit, "item"))
    };
    if let Some(min) = length(schema, "minProperties").filter(|min| count < *min) {
        return Some(Fault::new("too_short", describe("least", min)).context("min_length", min));
    }
    let max = length(schema, "maxProperties").filter(|max| count > *max)?;
    Some(Fault::new("too_long", describe("most", max)).context("max_length", max))
}

fn length(schema: &Value, key: &str) -> Option<usize> {
    schema[key].as_u64().and_then(|length| usize::try_from(length).ok())
}

fn too_short(min: usize, count: usize) -> Fault {
    let message = format!("List should have at least {} after validation, not {count}", plural(min, "item"));
    Fault::new("too_short", message).context("min_length", min)
}

fn too_long(max: usize, count: usize) -> Fault {
    let message = format!("List should have at most {} after validation, not {count}", plural(max, "item"));
    Fault::new("too_long", message).context("max_length", max)
}

fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

#[derive(Clone, Copy)]
enum Rule {
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    MultipleOf,
}

impl Rule {
    fn holds(self, measure: &Measure<'_>, bound: Bound) -> bool {
        match (measure, bound) {
            (Measure::Int(value), Bound::Int(bound)) => match self {
                Self::Greater => *value > bound,
                Self::GreaterOrEqual => *value >= bound,
                Self::Less => *value < bound,
                Self::LessOrEqual => *value <= bound,
                Self::MultipleOf => bound != 0 && value % bound == 0,
            },
            (Measure::Int(value), bound) => self.holds_float(*value as f64, bound.as_f64()),
            (Measure::Float(value), bound) => self.holds_float(*value, bound.as_f64()),
            _ => true,
        }
    }

    fn holds_float(self, value: f64, bound: f64) -> bool {
        match self {
            Self::Greater => value > bound,
            Self::GreaterOrEqual => value >= bound,
            Self::Less => value < bound,
            Self::LessOrEqual => value <= bound,
            Self::MultipleOf => {
                let quotient = value / bound;
                (quotient - quotient.round()).abs() < 1e-9
            }
        }
    }

    fn fault(self, measure: &Measure<'_>, bound: Bound) -> Fault {
        let (kind, words, key) = match self {
            Self::Greater => ("greater_than", "greater than", "gt"),
            Self::GreaterOrEqual => ("greater_than_equal", "greater than or equal to", "ge"),
            Self::Less => ("less_than", "less than", "lt"),
            Self::LessOrEqual => ("less_than_equal", "less than or equal to", "le"),
            Self::MultipleOf => ("multiple_of", "a multiple of", "multiple_of"),
        };
        Fault::new(kind, format!("Input should be {words} {}", bound.text()))
            .context(key, bound.context(measure))
    }
}

/// A compiled pattern, or why it is none. Patterns come from the program's own code and documents,
/// so there are few and they stay.
pub(crate) fn pattern(expression: &str) -> Result<Arc<Regex>, regex::Error> {
    type Compiled = HashMap<String, Result<Arc<Regex>, regex::Error>>;
    static COMPILED: LazyLock<RwLock<Compiled>> = LazyLock::new(RwLock::default);
    let unpoisoned = std::sync::PoisonError::into_inner;
    if let Some(known) = COMPILED.read().unwrap_or_else(unpoisoned).get(expression) {
        return known.clone();
    }
    let regex = Regex::new(expression).map(Arc::new);
    let mut compiled = COMPILED.write().unwrap_or_else(std::sync::PoisonError::into_inner);
    compiled.insert(expression.to_owned(), regex.clone());
    regex
}

/// Why the patterns in a schema do not compile, each with the expression.
#[must_use]
pub fn pattern_mistakes(schema: &Value) -> Vec<String> {
    match schema {
        Value::Object(object) => {
            // Examples and defaults are values and no schemas, whatever their fields are called.
            let schemas = object.iter().filter(|(key, _)| {
                !matches!(key.as_str(), "example" | "examples" | "default" | "enum" | "const")
            });
            let own = object.get("pattern").and_then(Value::as_str).and_then(|expression| {
                pattern(expression)
                    .err()
                    .map(|error| format!("the pattern {expression:?} does not compile: {error}"))
            });
            own.into_iter().chain(schemas.flat_map(|(_, value)| pattern_mistakes(value))).collect()
        }
        Value::Array(items) => items.iter().flat_map(pattern_mistakes).collect(),
        _ => Vec::new(),
    }
}
