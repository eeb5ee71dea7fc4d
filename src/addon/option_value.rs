//! Values of an options object, each with its full name, so that what is wrong with one can be
//! said. JavaScript has checked ranges and combinations before (`lib/engine_options.js`).

#![allow(unsafe_code)]

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use napi::bindgen_prelude::{FromNapiValue, JsObjectValue, Object, Unknown};
use napi::ValueType;
use thiserror::Error;

/// An option can't be what it should be.
#[derive(Debug, Error)]
pub(super) enum OptionError {
    #[error("connect: option '{name}' must be {wanted}")]
    Wrong { name: String, wanted: &'static str },
    #[error("connect: unknown option '{0}'")]
    Unknown(String),
    /// A Node-API call failed.
    #[error("{0}")]
    Js(#[from] napi::Error),
}

type Result<T> = std::result::Result<T, OptionError>;

/// One option's value.
pub(super) struct OptionValue<'env> {
    name: String,
    /// The last part of the name.
    key: String,
    value: Unknown<'env>,
}

impl<'env> OptionValue<'env> {
    /// The object that all others are in, and whose own name nobody mentions.
    pub(super) fn root(value: Unknown<'env>) -> OptionValue<'env> {
        OptionValue {
            name: String::new(),
            key: String::new(),
            value,
        }
    }

    /// The name inside the object that this is in.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// The options in an object.
    pub(super) fn entries(&self) -> Result<Vec<OptionValue<'env>>> {
        let object: Object<'env> = self.cast(ValueType::Object, "an object")?;
        let mut entries = Vec::new();
        for key in Object::keys(&object)? {
            let name = match self.name.as_str() {
                "" => key.clone(),
                name => format!("{name}.{key}"),
            };
            let value = object.get_named_property_unchecked(&key)?;
            entries.push(OptionValue { name, key, value });
        }
        Ok(entries)
    }

    /// The elements of an array.
    pub(super) fn elements(&self) -> Result<Vec<OptionValue<'env>>> {
        let array: Vec<Unknown<'env>> = self.cast(ValueType::Object, "an array")?;
        let elements = array.into_iter().enumerate();
        Ok(elements
            .map(|(index, value)| OptionValue {
                name: format!("{}[{index}]", self.name),
                key: index.to_string(),
                value,
            })
            .collect())
    }

    /// The texts of an array.
    pub(super) fn texts(&self) -> Result<Vec<String>> {
        self.elements()?.iter().map(OptionValue::text).collect()
    }

    pub(super) fn text(&self) -> Result<String> {
        self.cast(ValueType::String, "a text")
    }

    pub(super) fn flag(&self) -> Result<bool> {
        self.cast(ValueType::Boolean, "true or false")
    }

    /// A text that means something: `wanted` says what.
    pub(super) fn parsed<T: FromStr>(&self, wanted: &'static str) -> Result<T> {
        self.text()?.parse().map_err(|_| self.wrong(wanted))
    }

    pub(super) fn count(&self) -> Result<usize> {
        let count: u32 = self.cast(ValueType::Number, "a whole number")?;
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }

    pub(super) fn milliseconds(&self) -> Result<Duration> {
        let count: u32 = self.cast(ValueType::Number, "a number of milliseconds")?;
        Ok(Duration::from_millis(u64::from(count)))
    }

    pub(super) fn seconds(&self) -> Result<u32> {
        self.cast(ValueType::Number, "a number of seconds")
    }

    /// A number of bytes, which may be more than 32 bits hold.
    pub(super) fn bytes(&self) -> Result<u64> {
        let count: i64 = self.cast(ValueType::Number, "a whole number of bytes")?;
        u64::try_from(count).map_err(|_| self.wrong("a whole number of bytes"))
    }

    /// A numeric address with its port, or this one.
    pub(super) fn endpoint(&self, port: u16) -> Result<SocketAddr> {
        let text = self.text()?;
        let address = text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, port));
        address
            .or_else(|_| text.parse::<SocketAddr>())
            .map_err(|_| self.wrong("a numeric address with or without a port"))
    }

    /// Several of them.
    pub(super) fn endpoints(&self, port: u16) -> Result<Vec<SocketAddr>> {
        self.elements()?
            .iter()
            .map(|option| option.endpoint(port))
            .collect()
    }

    /// The engine does not know an option of this name.
    pub(super) fn unknown<T>(&self) -> Result<T> {
        Err(OptionError::Unknown(self.name.clone()))
    }

    /// The option is not what it must be.
    pub(super) fn wrong(&self, wanted: &'static str) -> OptionError {
        OptionError::Wrong {
            name: self.name.clone(),
            wanted,
        }
    }

    fn cast<T: FromNapiValue>(&self, wanted_type: ValueType, wanted: &'static str) -> Result<T> {
        let wrong = || self.wrong(wanted);
        if self.value.get_type()? != wanted_type {
            return Err(wrong());
        }
        // SAFETY: the value was made in this call and is of the type that `T` is read from; an
        // object that is no array is reported.
        unsafe { self.value.cast() }.map_err(|_| wrong())
    }
}
