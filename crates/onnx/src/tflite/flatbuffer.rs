//! A reader of FlatBuffers that checks every offset. Source: <https://flatbuffers.dev/internals/>.
//!
//! Our own, because the alternative is worse: the code generated from TensorFlow Lite's schema is 20 000 lines for the
//! nine tables that are needed, and its accessors are unsafe on bytes that nobody verified. Nothing here trusts an
//! offset, and nothing is copied: a table is a position.

/// What is wrong with the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Damaged {
    /// What was to be read.
    pub(super) what: &'static str,
    /// Where.
    pub(super) at: usize,
}

type Read<T> = Result<T, Damaged>;

/// `N` bytes at a position.
pub(super) fn bytes_at<const N: usize>(bytes: &[u8], at: usize, what: &'static str) -> Read<[u8; N]> {
    at.checked_add(N).and_then(|end| bytes.get(at..end)?.try_into().ok()).ok_or(Damaged { what, at })
}

/// A 32-bit offset at a position, followed. Offsets point forwards.
fn follow(bytes: &[u8], at: usize, what: &'static str) -> Read<usize> {
    let offset = u32::from_le_bytes(bytes_at(bytes, at, what)?) as usize;
    at.checked_add(offset).filter(|&target| offset != 0 && target < bytes.len()).ok_or(Damaged { what, at })
}

/// A table: fields by number, each of which may be absent.
#[derive(Clone, Copy)]
pub(super) struct Table<'a> {
    bytes: &'a [u8],
    position: usize,
    /// Two bytes per field: where it is in the table.
    fields: &'a [[u8; 2]],
}

impl<'a> Table<'a> {
    /// The table that the bytes begin with an offset to.
    pub(super) fn root(bytes: &'a [u8]) -> Read<Self> {
        Self::at(bytes, follow(bytes, 0, "the root table")?)
    }

    fn at(bytes: &'a [u8], position: usize) -> Read<Self> {
        let damaged = Damaged { what: "a table", at: position };
        let back = i32::from_le_bytes(bytes_at(bytes, position, damaged.what)?);
        let vtable = i64::try_from(position).map_err(|_| damaged)? - i64::from(back);
        let vtable = usize::try_from(vtable).map_err(|_| damaged)?;
        let size = usize::from(u16::from_le_bytes(bytes_at(bytes, vtable, damaged.what)?));
        let end = vtable.checked_add(size).ok_or(damaged)?;
        let fields = vtable.checked_add(4).and_then(|start| bytes.get(start..end)).ok_or(damaged)?;
        Ok(Self { bytes, position, fields: fields.as_chunks().0 })
    }

    /// Where a field is. `None`: it is absent.
    fn field(&self, number: usize) -> Option<usize> {
        let offset = usize::from(u16::from_le_bytes(*self.fields.get(number)?));
        if offset == 0 { None } else { self.position.checked_add(offset) }
    }

    fn scalar<const N: usize>(&self, number: usize, what: &'static str) -> Read<Option<[u8; N]>> {
        self.field(number).map(|at| bytes_at(self.bytes, at, what)).transpose()
    }

    pub(super) fn u8(&self, number: usize, what: &'static str) -> Read<u8> {
        Ok(self.scalar(number, what)?.map_or(0, u8::from_le_bytes))
    }

    pub(super) fn i32(&self, number: usize, default: i32, what: &'static str) -> Read<i32> {
        Ok(self.scalar(number, what)?.map_or(default, i32::from_le_bytes))
    }

    pub(super) fn u32(&self, number: usize, what: &'static str) -> Read<u32> {
        Ok(self.scalar(number, what)?.map_or(0, u32::from_le_bytes))
    }

    pub(super) fn table(&self, number: usize, what: &'static str) -> Read<Option<Self>> {
        let Some(at) = self.field(number) else {
            return Ok(None);
        };
        Self::at(self.bytes, follow(self.bytes, at, what)?).map(Some)
    }

    /// The elements of a vector, `N` bytes each. Empty if the field is absent.
    pub(super) fn vector<const N: usize>(&self, number: usize, what: &'static str) -> Read<&'a [[u8; N]]> {
        Ok(self.vector_at(number, what)?.1)
    }

    /// Where the elements are, and they.
    fn vector_at<const N: usize>(&self, number: usize, what: &'static str) -> Read<(usize, &'a [[u8; N]])> {
        let Some(at) = self.field(number) else {
            return Ok((0, &[]));
        };
        let start = follow(self.bytes, at, what)?;
        let count = u32::from_le_bytes(bytes_at(self.bytes, start, what)?) as usize;
        let first = start + 4;
        let end = count.checked_mul(N).and_then(|size| first.checked_add(size));
        let elements = end.and_then(|end| self.bytes.get(first..end)).ok_or(Damaged { what, at: start })?;
        Ok((first, elements.as_chunks().0))
    }

    /// The tables of a vector, at most `most` of them: the same table may be listed any number of times.
    pub(super) fn tables(&self, number: usize, most: usize, what: &'static str) -> Read<Vec<Self>> {
        let (first, offsets) = self.vector_at::<4>(number, what)?;
        if offsets.len() > most {
            return Err(Damaged { what, at: first });
        }
        let table = |index| Self::at(self.bytes, follow(self.bytes, first + 4 * index, what)?);
        (0..offsets.len()).map(table).collect()
    }

    /// A text. Empty if the field is absent.
    pub(super) fn text(&self, number: usize, what: &'static str) -> Read<&'a str> {
        /// Longer than any name.
        const LONGEST: usize = 1024;
        let characters: &[[u8; 1]] = self.vector(number, what)?;
        let damaged = Damaged { what, at: self.position };
        if characters.len() > LONGEST {
            return Err(damaged);
        }
        std::str::from_utf8(characters.as_flattened()).map_err(|_| damaged)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A root table of two fields: an i32 of 7, and a vector of two u16.
    const SMALL: [u8; 32] = [
        12, 0, 0, 0, // the root is at 12
        8, 0, 12, 0, 4, 0, 8, 0, // its vtable, at 4: 8 bytes long, the table 12; fields at 4 and 8
        8, 0, 0, 0, // the table: its vtable is 8 bytes back
        7, 0, 0, 0, // field 0
        4, 0, 0, 0, // field 1: 4 bytes on
        2, 0, 0, 0, 3, 0, 4, 0, // the vector
    ];

    #[test]
    fn fields_are_found() {
        let root = Table::root(&SMALL).unwrap();
        assert_eq!(root.i32(0, 0, "number"), Ok(7));
        assert_eq!(root.vector::<2>(1, "vector"), Ok([[3, 0], [4, 0]].as_slice()));
        assert_eq!(root.i32(2, 5, "absent"), Ok(5));
        assert_eq!(root.vector::<2>(9, "absent"), Ok([].as_slice()));
    }

    #[test]
    fn what_reaches_over_the_end_is_damaged() {
        for end in 0..SMALL.len() {
            let Ok(root) = Table::root(&SMALL[..end]) else { continue };
            assert!(root.vector::<2>(1, "vector").is_err(), "cut to {end}");
        }
        let mut long = SMALL;
        long[24] = 0xff;
        assert!(Table::root(&long).unwrap().vector::<2>(1, "vector").is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64), field in 0usize..4) {
            if let Ok(root) = Table::root(&bytes) {
                let _ = root.u8(field, "");
                let _ = root.vector::<8>(field, "");
                let _ = root.text(field, "");
                let _ = root.table(field, "");
                let _ = root.tables(field, 10, "");
            }
        }
    }
}
