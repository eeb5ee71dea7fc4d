//! JavaScript values by way of raw Node-API calls: what a batch costs is the number of calls, so
//! none is made twice and nothing is wrapped.
//!
//! Every function here must be called on the thread of its environment, with a handle scope open,
//! as is the case in a function that JavaScript calls and in a callback of a threadsafe function.

#![allow(unsafe_code)]

use std::ffi::{c_char, CStr};
use std::ptr;

use napi::{check_status, sys, Result};

/// Strings up to this size are read without asking for their length first.
const USUAL_TEXT: usize = 16 * 1024;

/// A value that does not outlive the callback in which it was made.
pub(super) type Value = sys::napi_value;

/// A JavaScript environment, on its own thread.
#[derive(Debug, Clone, Copy)]
pub(super) struct Js(pub(super) sys::napi_env);

impl Js {
    pub(super) fn array(self, length: usize) -> Result<Value> {
        let mut value = ptr::null_mut();
        // SAFETY: `self.0` is a live environment on its own thread (see the module's page) and
        // `value` outlives the call.
        check_status!(unsafe { sys::napi_create_array_with_length(self.0, length, &mut value) })?;
        Ok(value)
    }

    pub(super) fn array_of(self, entries: &[Value]) -> Result<Value> {
        let array = self.array(entries.len())?;
        for (index, entry) in (0..).zip(entries) {
            // SAFETY: as in `array`; both values were made in this callback.
            check_status!(unsafe { sys::napi_set_element(self.0, array, index, *entry) })?;
        }
        Ok(array)
    }

    pub(super) fn get(self, array: Value, index: u32) -> Result<Value> {
        let mut value = ptr::null_mut();
        // SAFETY: as in `array`.
        check_status!(unsafe { sys::napi_get_element(self.0, array, index, &mut value) })?;
        Ok(value)
    }

    pub(super) fn array_length(self, array: Value) -> Result<u32> {
        let mut length = 0;
        // SAFETY: as in `array`; a value that is no array is reported, not followed.
        check_status!(
            unsafe { sys::napi_get_array_length(self.0, array, &mut length) },
            "an array is expected"
        )?;
        Ok(length)
    }

    pub(super) fn number(self, number: u32) -> Result<Value> {
        let mut value = ptr::null_mut();
        // SAFETY: as in `array`.
        check_status!(unsafe { sys::napi_create_uint32(self.0, number, &mut value) })?;
        Ok(value)
    }

    pub(super) fn to_number(self, value: Value) -> Result<u32> {
        let mut number = 0;
        // SAFETY: as in `array`; a value that is no number is reported.
        check_status!(
            unsafe { sys::napi_get_value_uint32(self.0, value, &mut number) },
            "a number is expected"
        )?;
        Ok(number)
    }

    /// A string of one character per byte.
    pub(super) fn latin1(self, text: &[u8]) -> Result<Value> {
        let mut value = ptr::null_mut();
        let length = isize::try_from(text.len()).unwrap_or(isize::MAX);
        // SAFETY: as in `array`; `text` has `length` bytes, which the call copies.
        check_status!(unsafe {
            sys::napi_create_string_latin1(self.0, text.as_ptr().cast(), length, &mut value)
        })?;
        Ok(value)
    }

    /// A string of these units.
    pub(super) fn utf16(self, units: &[u16]) -> Result<Value> {
        let mut value = ptr::null_mut();
        let length = isize::try_from(units.len()).unwrap_or(isize::MAX);
        // SAFETY: as in `array`; `units` has `length` units, which the call copies.
        check_status!(unsafe {
            sys::napi_create_string_utf16(self.0, units.as_ptr(), length, &mut value)
        })?;
        Ok(value)
    }

    pub(super) fn utf8(self, text: &str) -> Result<Value> {
        let mut value = ptr::null_mut();
        let length = isize::try_from(text.len()).unwrap_or(isize::MAX);
        // SAFETY: as in `array`; `text` has `length` bytes, which the call copies.
        check_status!(unsafe {
            sys::napi_create_string_utf8(self.0, text.as_ptr().cast(), length, &mut value)
        })?;
        Ok(value)
    }

    /// Reads a string as UTF-8 into the buffer, in place of what that held.
    pub(super) fn read_text(self, value: Value, buffer: &mut Vec<u8>) -> Result<()> {
        buffer.clear();
        buffer.reserve(USUAL_TEXT);
        let length = self.read_text_into(value, buffer)?;
        // The call stops between two characters, of which the longest has four bytes; then the
        // terminating zero follows.
        if length + 4 < buffer.capacity() {
            return Ok(());
        }
        let mut needed = 0;
        // SAFETY: as in `array`; without a buffer the call tells the length.
        check_status!(unsafe {
            sys::napi_get_value_string_utf8(self.0, value, ptr::null_mut(), 0, &mut needed)
        })?;
        buffer.clear();
        buffer.reserve(needed + 1);
        self.read_text_into(value, buffer)?;
        Ok(())
    }

    fn read_text_into(self, value: Value, buffer: &mut Vec<u8>) -> Result<usize> {
        let mut length = 0;
        // SAFETY: as in `array`; the buffer has room for `capacity` bytes, of which the call
        // writes `length` and a zero at most. A value that is no string is reported.
        check_status!(
            unsafe {
                sys::napi_get_value_string_utf8(
                    self.0,
                    value,
                    buffer.as_mut_ptr().cast::<c_char>(),
                    buffer.capacity(),
                    &mut length,
                )
            },
            "a string is expected"
        )?;
        // SAFETY: the call has written `length` bytes, less than the capacity.
        unsafe { buffer.set_len(length) };
        Ok(length)
    }

    pub(super) fn undefined(self) -> Result<Value> {
        let mut value = ptr::null_mut();
        // SAFETY: as in `array`.
        check_status!(unsafe { sys::napi_get_undefined(self.0, &mut value) })?;
        Ok(value)
    }

    pub(super) fn object(self) -> Result<Value> {
        let mut value = ptr::null_mut();
        // SAFETY: as in `array`.
        check_status!(unsafe { sys::napi_create_object(self.0, &mut value) })?;
        Ok(value)
    }

    pub(super) fn set_named(self, object: Value, name: &CStr, value: Value) -> Result<()> {
        // SAFETY: as in `array`; `name` ends with a zero.
        check_status!(unsafe { sys::napi_set_named_property(self.0, object, name.as_ptr(), value) })
    }

    /// An `Error` with a `code`.
    pub(super) fn error(self, code: &str, message: &str) -> Result<Value> {
        let (code, message) = (self.utf8(code)?, self.utf8(message)?);
        let mut value = ptr::null_mut();
        // SAFETY: as in `array`.
        check_status!(unsafe { sys::napi_create_error(self.0, code, message, &mut value) })?;
        Ok(value)
    }

    /// A promise, and what settles it.
    pub(super) fn promise(self) -> Result<(Deferred, Value)> {
        let (mut deferred, mut promise) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: as in `array`.
        check_status!(unsafe { sys::napi_create_promise(self.0, &mut deferred, &mut promise) })?;
        Ok((Deferred(deferred), promise))
    }

    pub(super) fn resolve(self, deferred: Deferred, value: Value) -> Result<()> {
        // SAFETY: as in `array`; a `Deferred` is used up by settling it, so it is settled once.
        check_status!(unsafe { sys::napi_resolve_deferred(self.0, deferred.0, value) })
    }

    pub(super) fn reject(self, deferred: Deferred, error: Value) -> Result<()> {
        // SAFETY: as in `resolve`.
        check_status!(unsafe { sys::napi_reject_deferred(self.0, deferred.0, error) })
    }

    /// What a function makes of arguments that are not too many for the stack. A function that throws is an error.
    /// With `(...entries) => entries` this takes a fraction of the time of [`array_of`](Self::array_of).
    pub(super) fn apply(self, function: Value, arguments: &[Value]) -> Result<Value> {
        let this = self.undefined()?;
        let mut result = ptr::null_mut();
        // SAFETY: as in `array`; the arguments were made in this callback, and a value that is no function is
        // reported.
        check_status!(unsafe {
            sys::napi_call_function(
                self.0,
                this,
                function,
                arguments.len(),
                arguments.as_ptr(),
                &mut result,
            )
        })?;
        Ok(result)
    }

    /// Calls a function without arguments. What it throws becomes an uncaught exception, as if
    /// the event loop had called it.
    pub(super) fn call(self, function: Value) -> Result<()> {
        let this = self.undefined()?;
        // SAFETY: as in `array`; there are no arguments, and the result is not asked for.
        let status = unsafe {
            sys::napi_call_function(self.0, this, function, 0, ptr::null(), ptr::null_mut())
        };
        if status != sys::Status::napi_pending_exception {
            return check_status!(status);
        }
        let mut exception = ptr::null_mut();
        // SAFETY: as in `array`.
        check_status!(unsafe { sys::napi_get_and_clear_last_exception(self.0, &mut exception) })?;
        // SAFETY: as in `array`.
        check_status!(unsafe { sys::napi_fatal_exception(self.0, exception) })
    }
}

/// What settles a promise, once.
#[derive(Debug)]
pub(super) struct Deferred(sys::napi_deferred);
