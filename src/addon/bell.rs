//! Waking the JavaScript thread, and leaving its environment in time.
//!
//! The engine's thread never holds a JavaScript value. All it can do is ring the bell, a
//! threadsafe function without data, which never waits; everything else happens in the callback,
//! on the JavaScript thread. The environment's clean-up hook is registered after the threadsafe
//! function, and hooks run in the opposite order: so the engine's thread has been joined before
//! the function that it might ring goes.

#![allow(unsafe_code)]

use std::cell::Cell;
use std::ffi::c_void;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::ptr;
use std::rc::Rc;

use napi::bindgen_prelude::retain_current_module_for_unload_safety;
use napi::{check_status, sys, Result};

use super::values::{Js, Value};

/// What belongs to an environment and is called on its thread.
pub(super) trait Resident {
    /// The bell has rung. `wake` is the function that the bell was made with.
    fn answer_bell(&self, js: Js, wake: Value);

    /// The environment goes: everything of other threads must end now. No JavaScript may run.
    fn leave(&self);
}

/// Rings for a [`Resident`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Ringer(sys::napi_threadsafe_function);

// SAFETY: to be called from any thread is what a threadsafe function is for. It lives until
// `Bell::remove`, which its owner calls after the threads that ring have been joined.
unsafe impl Send for Ringer {}
// SAFETY: as above.
unsafe impl Sync for Ringer {}

impl Ringer {
    /// Makes `answer_bell` be called soon, once per ring. Does not wait.
    pub(super) fn ring(self) {
        // SAFETY: the threadsafe function lives (see `Send`); no data goes with the call. It
        // fails when the environment is closing; then nobody is left to be told.
        let _ = unsafe {
            sys::napi_call_threadsafe_function(
                self.0,
                ptr::null_mut(),
                sys::ThreadsafeFunctionCallMode::nonblocking,
            )
        };
    }
}

/// A threadsafe function and a clean-up hook, which belong together.
#[derive(Debug)]
pub(super) struct Bell<R> {
    js: Js,
    ringer: Ringer,
    /// The hook's share of the resident.
    hook: *const R,
    removed: Cell<bool>,
}

impl<R: Resident + 'static> Bell<R> {
    /// Hangs up a bell that keeps the event loop running until it is removed.
    pub(super) fn hang(js: Js, wake: Value, resident: &Rc<R>) -> Result<Bell<R>> {
        // A name look-up that hangs in the system's resolver may outlive the environment, on a
        // thread that then runs our code.
        retain_current_module_for_unload_safety();
        let name = js.utf8("drachtio")?;
        let context = Rc::into_raw(resident.clone());
        let mut function = ptr::null_mut();
        // SAFETY: the environment is live and this is its thread. `context` is a share of the
        // resident, which `finalize` gives back.
        let created = check_status!(unsafe {
            sys::napi_create_threadsafe_function(
                js.0,
                wake,
                ptr::null_mut(),
                name,
                0,
                1,
                context.cast_mut().cast(),
                Some(finalize::<R>),
                context.cast_mut().cast(),
                Some(on_ring::<R>),
                &mut function,
            )
        });
        if let Err(error) = created {
            // SAFETY: nobody else has taken over the share made above.
            drop(unsafe { Rc::from_raw(context) });
            return Err(error);
        }
        let bell = Bell {
            js,
            ringer: Ringer(function),
            hook: Rc::into_raw(resident.clone()),
            removed: Cell::new(false),
        };
        // SAFETY: as above; the hook's share is given back by `on_cleanup` or by `remove`.
        check_status!(unsafe {
            sys::napi_add_env_cleanup_hook(js.0, Some(on_cleanup::<R>), bell.hook.cast_mut().cast())
        })?;
        Ok(bell)
    }

    pub(super) fn ringer(&self) -> Ringer {
        self.ringer
    }

    /// Takes the bell down; after the threads that ring it have been joined.
    pub(super) fn remove(&self) {
        if self.removed.replace(true) {
            return;
        }
        // SAFETY: this is the environment's thread, and the pair was registered by `hang` and not
        // removed since.
        let _ = unsafe {
            sys::napi_remove_env_cleanup_hook(
                self.js.0,
                Some(on_cleanup::<R>),
                self.hook.cast_mut().cast(),
            )
        };
        // SAFETY: the share that `hang` gave to the hook, which will not run any more.
        drop(unsafe { Rc::from_raw(self.hook) });
        self.release();
    }

    /// Takes the bell down from within the hook, which Node has removed by itself.
    pub(super) fn remove_in_cleanup(&self) {
        if !self.removed.replace(true) {
            self.release();
        }
    }

    fn release(&self) {
        // SAFETY: releases the one use that `hang` acquired; nobody rings any more. What Node
        // still does with the function ends in `finalize`.
        let _ = unsafe {
            sys::napi_release_threadsafe_function(
                self.ringer.0,
                sys::ThreadsafeFunctionReleaseMode::release,
            )
        };
    }
}

unsafe extern "C" fn on_ring<R: Resident>(
    env: sys::napi_env,
    wake: sys::napi_value,
    context: *mut c_void,
    _data: *mut c_void,
) {
    if env.is_null() || wake.is_null() {
        // The environment is closing.
        return;
    }
    // SAFETY: `context` is the share that `finalize` gives back, after the last call of this.
    let resident = unsafe { &*context.cast::<R>() };
    let answer = || resident.answer_bell(Js(env), wake);
    // A panic must not unwind into C.
    if catch_unwind(AssertUnwindSafe(answer)).is_err() {
        tracing::error!("answering the bell has failed");
    }
}

unsafe extern "C" fn finalize<R: Resident>(
    _env: sys::napi_env,
    data: *mut c_void,
    _hint: *mut c_void,
) {
    // SAFETY: the share that `hang` made for the threadsafe function, given back once.
    let share = unsafe { Rc::from_raw(data.cast::<R>().cast_const()) };
    let _ = catch_unwind(AssertUnwindSafe(|| drop(share)));
}

unsafe extern "C" fn on_cleanup<R: Resident>(data: *mut c_void) {
    // SAFETY: the share that `hang` made for the hook. Node runs a hook once, and not after
    // `remove` has removed it.
    let share = unsafe { Rc::from_raw(data.cast::<R>().cast_const()) };
    if catch_unwind(AssertUnwindSafe(|| share.leave())).is_err() {
        tracing::error!("leaving the environment has failed");
    }
    let _ = catch_unwind(AssertUnwindSafe(|| drop(share)));
}
