//! A session that several threads run at the same time.

use std::{
    ffi::{CString, c_char},
    ptr::{self, NonNull},
};

use ort::{
    AsPointer,
    session::Session,
    value::{DynValue, Outlet, Value, ValueTypeMarker},
};

use super::outputs::{MOST_OUTPUTS, Outputs};

/// A session with one input, and which of its outputs are asked for.
///
/// What a further thread costs is the memory of its run's tensors, not that of the weights: those of SSD MobileNetV1 are 9 MiB.
///
/// `ort` lets one thread at a time run a session, as some providers crash otherwise. ONNX Runtime itself promises that `Run` may
/// be called by many (its C API's documentation, and microsoft/onnxruntime#114), and does so one after the other for
/// the providers that cannot; this project makes use of it on the CPU alone.
pub(super) struct SharedSession {
    session: Session,
    input_name: CString,
    /// At most [`MOST_OUTPUTS`].
    output_names: Vec<CString>,
}

impl SharedSession {
    /// Runs of `session` will give its `outputs`, in that order.
    ///
    /// # Errors
    /// When the session has no input, or there are more outputs than any head has.
    pub(super) fn new(session: Session, outputs: &[&str]) -> ort::Result<Self> {
        let name = |name: &str| CString::new(name).map_err(|_| ort::Error::new("a name holds a zero byte"));
        let input_name =
            session.inputs().first().map(Outlet::name).ok_or_else(|| ort::Error::new("it has no input"))?;
        let input_name = name(input_name)?;
        if outputs.len() > MOST_OUTPUTS {
            return Err(ort::Error::new("it has too many outputs"));
        }
        let output_names = outputs.iter().copied().map(name).collect::<ort::Result<_>>()?;
        Ok(Self { session, input_name, output_names })
    }

    /// The session, while nobody else has it.
    pub(super) fn session_mut(&mut self) -> &mut Session {
        &mut self.session
    }

    /// Runs the graph on `input`, on the calling thread and the session's own.
    ///
    /// # Errors
    /// What ONNX Runtime finds wrong: the input's type or shape, or a node that cannot run.
    pub(super) fn run(&self, input: &Value<impl ValueTypeMarker + ?Sized>) -> ort::Result<Outputs> {
        let input_names = [self.input_name.as_ptr()];
        let inputs = [input.ptr()];
        let mut output_names: [*const c_char; MOST_OUTPUTS] = [ptr::null(); MOST_OUTPUTS];
        for (pointer, name) in output_names.iter_mut().zip(&self.output_names) {
            *pointer = name.as_ptr();
        }
        let count = self.output_names.len();
        let mut outputs: [*mut ort::sys::OrtValue; MOST_OUTPUTS] = [ptr::null_mut(); MOST_OUTPUTS];
        // SAFETY: session, names and input live until it returns, there are as many as it is told, and no options is allowed.
        // That the session is run by others meanwhile is what ONNX Runtime promises; see above.
        let status = unsafe {
            (ort::api().Run)(
                self.session.ptr().cast_mut(),
                ptr::null(),
                input_names.as_ptr(),
                inputs.as_ptr(),
                inputs.len(),
                output_names.as_ptr(),
                count,
                outputs.as_mut_ptr(),
            )
        };
        // SAFETY: it is what `Run` returned, and is looked at once.
        unsafe { ort::Error::result_from_status(status) }?;
        let outputs = outputs.map(|output| {
            // SAFETY: a value that `Run` made is the caller's, and holds what its memory is from. The allocator is for values
            // that outlive their session; these live as long as one run.
            NonNull::new(output).map(|output| unsafe { DynValue::from_ptr(output, Some(self.session.allocator())) })
        });
        if outputs.iter().flatten().count() < count {
            return Err(ort::Error::new("a run gave no value for an output"));
        }
        Ok(outputs)
    }
}
