//! Counting the nodes of an ONNX file.

/// How many nodes the graph of an ONNX file has: repeated field 1 of `GraphProto`, which is field 7 of `ModelProto`.
/// 0 for what is no ONNX file.
pub(crate) fn nodes(onnx: &[u8]) -> usize {
    const GRAPH: u64 = 7;
    const NODE: u64 = 1;
    let graphs = fields(onnx).filter(|(number, _)| *number == GRAPH);
    graphs.map(|(_, graph)| fields(graph).filter(|(number, _)| *number == NODE).count()).sum()
}

/// Length-delimited fields of a protobuf message, with their numbers; ends where the message is damaged.
fn fields(mut message: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    std::iter::from_fn(move || {
        loop {
            let key = varint(&mut message)?;
            let (number, wire_type) = (key >> 3, key & 7);
            let length = match wire_type {
                0 => {
                    varint(&mut message)?;
                    continue;
                }
                1 => 8,
                2 => usize::try_from(varint(&mut message)?).ok()?,
                5 => 4,
                _ => return None,
            };
            let (field, rest) = message.split_at_checked(length)?;
            message = rest;
            if wire_type == 2 {
                return Some((number, field));
            }
        }
    })
}

fn varint(message: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = message.split_first()?;
        *message = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_of_a_file_are_counted_and_damaged_files_do_no_harm() {
        // ir_version (field 1, varint) 8; graph (field 7) of two nodes (field 1) and a name (field 2).
        let graph = [0x0a, 2, 0x22, 0, 0x0a, 0, 0x12, 1, b'g'];
        let mut onnx = vec![0x08, 8, 0x3a, u8::try_from(graph.len()).unwrap()];
        onnx.extend(graph);
        assert_eq!(nodes(&onnx), 2);
        for length in 0..onnx.len() {
            assert!(nodes(&onnx[..length]) <= 2);
        }
        assert_eq!(nodes(b"<html>not found</html>"), 0);
    }
}
