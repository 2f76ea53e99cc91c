//! Reads the values of the agents that were constructed.

use std::collections::{BTreeMap, BTreeSet};

use keepstep_agent::Field;
use rquickjs::{Array, CatchResultExt, Ctx, Function, Object, Type, Value};
use serde_json::{Map, Number};

use super::interface::CapturedValue;

/// How deep values may be nested, and how many there may be.
const DEEPEST: usize = 64;
const MOST: usize = 200_000;

/// The largest integer that JavaScript holds exactly.
const LARGEST_INTEGER: f64 = 9_007_199_254_740_991.0;

/// Reads values with the help of the functions that `prelude.js` returns.
pub(super) struct Reader<'js> {
    ctx: Ctx<'js>,
    obstacle: Function<'js>,
    unwrap: Function<'js>,
    explain: Function<'js>,
}

/// What was thrown, in words.
pub(super) struct Thrown {
    /// `threw`, `package` or `refused`.
    pub(super) kind: String,
    pub(super) text: String,
    pub(super) stack: String,
}

impl<'js> Reader<'js> {
    pub(super) fn new(ctx: &Ctx<'js>, prelude: &Object<'js>) -> rquickjs::Result<Self> {
        Ok(Self {
            ctx: ctx.clone(),
            obstacle: prelude.get("obstacle")?,
            unwrap: prelude.get("unwrap")?,
            explain: prelude.get("explain")?,
        })
    }

    /// Returns what was thrown in words, or `None` if even that fails: there is no memory left, or no time.
    pub(super) fn explain(&self, thrown: Value<'js>) -> Option<Thrown> {
        let words: Vec<String> = self.explain.call((thrown,)).catch(&self.ctx).ok()?;
        let [kind, text, stack] = words.try_into().ok()?;
        Some(Thrown { kind, text, stack })
    }

    /// Returns the properties of an agent.
    pub(super) fn properties(&self, agent: &Object<'js>) -> BTreeMap<String, CapturedValue> {
        // A class may compute the fields in a getter.
        let mut names: BTreeSet<String> = Field::ALL.iter().map(|field| field.key().to_owned()).collect();
        names.extend(agent.keys::<String>().flatten());
        let mut values = BTreeMap::new();
        for name in names {
            let value = match agent.get::<_, Value<'_>>(name.as_str()).catch(&self.ctx) {
                Ok(value) if value.is_undefined() => continue,
                Ok(value) => self.value(value),
                Err(error) => CapturedValue::Unreadable(self.failure_of_getter(error)),
            };
            values.insert(name, value);
        }
        values
    }

    fn failure_of_getter(&self, error: rquickjs::CaughtError<'js>) -> String {
        let thrown = match error {
            rquickjs::CaughtError::Exception(exception) => self.explain(exception.into_value()),
            rquickjs::CaughtError::Value(value) => self.explain(value),
            rquickjs::CaughtError::Error(_) => None,
        };
        match thrown {
            Some(thrown) if thrown.kind == "threw" => format!("its getter threw {}", thrown.text),
            Some(thrown) => thrown.text,
            None => "its getter failed".to_owned(),
        }
    }

    fn value(&self, value: Value<'js>) -> CapturedValue {
        match self.obstacle_of(&value) {
            Some(reason) => return CapturedValue::Unreadable(reason),
            None if value.is_function() => return CapturedValue::Function,
            None => {}
        }
        let mut budget = MOST;
        match self.json(value, 0, &mut budget) {
            Ok(value) => CapturedValue::Json(value),
            Err(reason) => CapturedValue::Unreadable(reason),
        }
    }

    fn obstacle_of(&self, value: &Value<'js>) -> Option<String> {
        if !value.is_object() {
            return None;
        }
        self.obstacle
            .call::<_, Option<String>>((value.clone(),))
            .catch(&self.ctx)
            .unwrap_or_else(|error| Some(self.failure_of_getter(error)))
    }

    fn json(&self, value: Value<'js>, depth: usize, budget: &mut usize) -> Result<serde_json::Value, String> {
        if depth > DEEPEST {
            return Err("it is nested too deeply, or contains itself".to_owned());
        }
        *budget = budget.checked_sub(1).ok_or("it is too large")?;
        match value.type_of() {
            Type::Null => Ok(serde_json::Value::Null),
            Type::Bool => Ok(value.as_bool().into()),
            Type::Int => Ok(value.as_int().into()),
            Type::Float => number(value.as_float().unwrap_or(f64::NAN)),
            Type::String => {
                let text = value.as_string().ok_or("it is not a text")?.to_string();
                let halved = "it holds half of a character (a lone surrogate), which cannot be stored as UTF-8";
                Ok(text.map_err(|_| halved)?.into())
            }
            Type::Undefined | Type::Uninitialized => Err("it holds undefined".to_owned()),
            Type::Symbol => Err("it holds a Symbol".to_owned()),
            Type::BigInt => Err("it holds a BigInt; write Number(…) or String(…)".to_owned()),
            _ => self.object(value, depth, budget),
        }
    }

    fn object(&self, value: Value<'js>, depth: usize, budget: &mut usize) -> Result<serde_json::Value, String> {
        if let Some(reason) = self.obstacle_of(&value) {
            return Err(reason);
        }
        if value.is_function() {
            return Err("it holds a function".to_owned());
        }
        let unwrapped: Value<'_> = match self.unwrap.call((value.clone(),)).catch(&self.ctx) {
            Ok(value) => value,
            Err(error) => return Err(self.failure_of_getter(error)),
        };
        if !unwrapped.is_object() {
            return self.json(unwrapped, depth, budget);
        }
        if let Some(array) = value.as_array() {
            return self.array(array, depth, budget);
        }
        let object = value.as_object().ok_or("it is not an object")?;
        let mut members = Map::new();
        for name in object.keys::<String>() {
            let name = name.map_err(|_| "one of its keys cannot be read")?;
            let member: Value<'_> = match object.get(name.as_str()).catch(&self.ctx) {
                Ok(member) => member,
                Err(error) => return Err(self.failure_of_getter(error)),
            };
            // As JSON has it: a member that is undefined is not there.
            if !member.is_undefined() {
                let member = self.json(member, depth + 1, budget).map_err(|reason| inside(&name, reason))?;
                members.insert(name, member);
            }
        }
        Ok(members.into())
    }

    fn array(&self, array: &Array<'js>, depth: usize, budget: &mut usize) -> Result<serde_json::Value, String> {
        let mut items = Vec::new();
        for index in 0..array.len() {
            let item: Value<'_> = match array.get(index).catch(&self.ctx) {
                Ok(item) => item,
                Err(error) => return Err(self.failure_of_getter(error)),
            };
            items.push(self.json(item, depth + 1, budget)?);
        }
        Ok(items.into())
    }
}

/// Says in which member a reason was found, as far as that helps to find it.
fn inside(name: &str, reason: String) -> String {
    const LONGEST: usize = 200;
    if reason.len() + name.len() > LONGEST { reason } else { format!("{name}: {reason}") }
}

fn number(value: f64) -> Result<serde_json::Value, String> {
    if value.fract() == 0.0 && value.abs() <= LARGEST_INTEGER {
        #[expect(clippy::cast_possible_truncation, reason = "it is an integer in range")]
        return Ok((value as i64).into());
    }
    Number::from_f64(value).map(Into::into).ok_or_else(|| format!("it holds {value}, which JSON cannot hold"))
}
