//! Turns the marked positions of serialised records into lines and texts. Left out: everything that knows a format.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::source::At;

/// A record as a value: its own position `at` is its `line`, any other position the text that stands there, and a pair of a value and
/// its position `{"line", "value"}`.
pub(super) fn value<T: Serialize + ?Sized>(text: &str, record: &T) -> Value {
    match serde_json::to_value(record) {
        Ok(value) => placed(text, value),
        // Only maps whose keys are no strings fail, and no record has one; should one come, it is said and not hidden.
        Err(error) => Value::String(format!("not representable: {error}")),
    }
}

fn placed(text: &str, value: Value) -> Value {
    match value {
        Value::Object(fields) => match position(&fields) {
            Some(at) => Value::String(slice(text, at)),
            None => Value::Object(fields.into_iter().map(|(name, value)| field(text, name, value)).collect()),
        },
        Value::Array(items) => match <[Value; 2]>::try_from(items) {
            Ok([first, second]) => match (mark(&first), mark(&second)) {
                (None, Some(at)) => serde_json::json!({ "line": at.line, "value": placed(text, first) }),
                _ => Value::Array(vec![placed(text, first), placed(text, second)]),
            },
            Err(items) => Value::Array(items.into_iter().map(|item| placed(text, item)).collect()),
        },
        other => other,
    }
}

fn field(text: &str, name: String, value: Value) -> (String, Value) {
    match mark(&value) {
        Some(at) if name == "at" => ("line".to_owned(), at.line.into()),
        _ => (name, placed(text, value)),
    }
}

fn mark(value: &Value) -> Option<At> {
    value.as_object().and_then(position)
}

fn position(fields: &Map<String, Value>) -> Option<At> {
    let numbers = fields.get(At::MARK)?.as_array()?;
    let number = |i: usize| u32::try_from(numbers.get(i)?.as_u64()?).ok();
    Some(At { line: number(0)?, start: number(1)?, end: number(2)? })
}

fn slice(text: &str, at: At) -> String {
    text.get(at.start as usize..at.end as usize).unwrap_or_default().to_owned()
}
