//! Files that are damaged, cut off, or of another kind: an error that says so, never a panic.

use proptest::prelude::*;

use super::{
    super::{ImportError, import},
    builder::{self, Operator, Ssd, small},
    official,
};

fn error_of(change: impl FnOnce(&mut Ssd)) -> String {
    let mut ssd = small();
    change(&mut ssd);
    import(&ssd.bytes()).unwrap_err().to_string()
}

#[test]
fn other_kinds_of_files_are_refused() {
    for bytes in [b"".as_slice(), b"TFL3", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"PK\x03\x04 an archive", &[0; 64]] {
        assert_eq!(import(bytes), Err(ImportError::NotTfLite), "{bytes:?}");
    }
    assert!(matches!(import(b"\0\0\0\0TFL3"), Err(ImportError::Damaged { .. })));
}

#[test]
fn a_file_with_other_operators_is_told_which() {
    let error = error_of(|ssd| ssd.operators[2].code = 0);
    assert!(error.starts_with("operator ADD is not supported; this importer reads quantised SSDs"), "{error}");
    assert!(error_of(|ssd| ssd.operators[2].code = 99).starts_with("operator number 99 of the schema is not"));
    assert!(error_of(|ssd| ssd.custom_name = "Mine").starts_with("operator Mine is not supported"));
}

#[test]
fn a_file_that_is_no_quantised_ssd_is_told_what_is_missing() {
    // A classifier: convolutions alone.
    let error = error_of(|ssd| ssd.operators.truncate(2));
    assert!(error.starts_with("a file that ends in DEPTHWISE_CONV_2D is not supported"), "{error}");
    assert!(error_of(|ssd| ssd.operators.clear()).starts_with("a file without operators"));
    let error = error_of(|ssd| ssd.tensor("first").element = 0);
    assert!(error.starts_with("tensor first is not of type uint8"), "{error}");
    assert!(error_of(|ssd| ssd.graphs = 2).starts_with("2 sub-graphs are not supported"));
    let error = error_of(|ssd| ssd.operators[9].inputs = vec![16]);
    assert!(error.starts_with("scores that are not put together by CONCATENATION"), "{error}");
    let error = error_of(|ssd| ssd.operators[4].options = vec![(0, 2)]);
    assert!(error.contains("boxes (boxes/rows) of shape [1, 48, 1, 4] put together along axis 2"), "{error}");
    let error = error_of(|ssd| ssd.operators[0].inputs[0] = 20);
    assert!(error.starts_with("tensor detections of shape [] is not supported as a feature map"), "{error}");
}

#[test]
fn a_file_that_contradicts_itself_is_told_where() {
    type Case = (fn(&mut Ssd), &'static str);
    let cases: [Case; 14] = [
        (|ssd| ssd.classes = 7.0, "there are 2 logits for 7 classes"),
        (|ssd| ssd.tensor("anchors").data.truncate(191), "default boxes of shape [48, 4]"),
        (|ssd| ssd.tensor("anchors").shape = vec![47, 4], "it has 48 predictions and default boxes of shape [47, 4]"),
        (|ssd| ssd.tensor("first/weights").data.truncate(53), "convolution first has a kernel that does not fit"),
        (|ssd| ssd.tensor("first/bias").data.truncate(7), "convolution first has a bias that does not fit"),
        (|ssd| ssd.tensor("second/bias").scale *= 1.1, "convolution second has a bias whose scale is not"),
        (|ssd| ssd.tensor("second/bias").scale = f32::NAN, "convolution second has a bias whose scale is not"),
        (|ssd| ssd.tensor("first").shape[1] = 5, "convolution first has an output of another size"),
        (|ssd| ssd.tensor("first").scale = 0.0, "tensor first has a scale or zero point that cannot be"),
        (|ssd| ssd.tensor("first").zero_point = 300, "tensor first has a scale or zero point that cannot be"),
        (|ssd| ssd.operators[0].options = vec![(1, 0), (2, 0)], "operator CONV_2D has a stride of 0"),
        (|ssd| ssd.operators[0].inputs[1] = 21, "an input of an operator is tensor 21"),
        (|ssd| ssd.operators[1].output = 3, "tensor first is computed twice"),
        (|ssd| ssd.operators[5].inputs = vec![12], "the operators run in a circle"),
    ];
    for (change, expected) in cases {
        let error = error_of(change);
        assert!(error.starts_with("the file contradicts itself: ") && error.contains(expected), "{error}");
    }
}

#[test]
fn weights_that_are_used_over_and_over_do_not_fill_the_memory() {
    let error = error_of(|ssd| {
        let first_new = i32::try_from(ssd.tensors.len()).unwrap();
        ssd.tensors.push(builder::kernel("large/weights", &[200, 3, 3, 3]));
        ssd.tensors.push(builder::bias("large/bias", 200, 1.0 / 128.0));
        // Ten convolutions of the picture with the same weights.
        for number in 0..10 {
            ssd.tensors.push(builder::activation("large", &[1, 8, 8, 200], 0.05, 100));
            let inputs = vec![0, first_new, first_new + 1];
            let options = vec![(1, 1), (2, 1)];
            ssd.operators.insert(0, Operator { code: 3, inputs, output: first_new + 2 + number, options });
        }
    });
    assert!(error.starts_with("weights that several layers share are not supported"), "{error}");
}

#[test]
fn a_file_that_is_cut_off_is_refused_wherever_it_is_cut() {
    let bytes = small().bytes();
    for end in 0..bytes.len() {
        assert!(import(&bytes[..end]).is_err(), "cut to {end} of {} bytes", bytes.len());
    }
}

#[test]
fn the_official_file_is_refused_when_cut_off() {
    let Some(bytes) = official() else { return };
    for end in (0..bytes.len()).step_by(bytes.len() / 97) {
        assert!(import(&bytes[..end]).is_err(), "cut to {end} of {} bytes", bytes.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Damage gives a file or an error, never a panic; and what is read can be written.
    #[test]
    fn damage_never_panics(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut bytes = small().bytes();
        for (index, byte) in changes {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(imported) = import(&bytes) {
            for file in [imported.float32(), imported.int8(), imported.int8_symmetric()] {
                prop_assert!(crate::inspect(&file).is_ok());
            }
        }
    }
}
