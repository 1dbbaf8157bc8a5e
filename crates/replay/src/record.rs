//! Structures of plain numbers that stand in a file byte for byte as they stand in memory.

/// A number, or an array of numbers, in the byte order of this machine.
pub trait Plain: Copy {
    /// Writes it to `bytes`, which are as many as it has.
    fn put(&self, bytes: &mut [u8]);
    /// Reads it from `bytes`, which are as many as it has.
    fn take(bytes: &[u8]) -> Self;
}

macro_rules! plain {
    ($($number:ty)*) => {
        $(impl Plain for $number {
            fn put(&self, bytes: &mut [u8]) {
                bytes.copy_from_slice(&self.to_ne_bytes());
            }

            fn take(bytes: &[u8]) -> Self {
                let mut own = [0; size_of::<Self>()];
                own.copy_from_slice(bytes);
                Self::from_ne_bytes(own)
            }
        })*
    };
}

plain! { u8 u32 i32 u64 i64 }

impl<T: Plain, const N: usize> Plain for [T; N] {
    fn put(&self, bytes: &mut [u8]) {
        for (number, bytes) in self.iter().zip(bytes.chunks_exact_mut(size_of::<T>())) {
            number.put(bytes);
        }
    }

    fn take(bytes: &[u8]) -> Self {
        core::array::from_fn(|index| T::take(&bytes[index * size_of::<T>()..][..size_of::<T>()]))
    }
}

/// Declares a structure of [`Plain`] fields without any gap between or behind them: every bit pattern is one.
macro_rules! record {
    (
        $(#[$attribute:meta])*
        pub struct $name:ident of $size:literal bytes {
            $($(#[$field_attribute:meta])* pub $field:ident: $type:ty,)*
        }
    ) => {
        $(#[$attribute])*
        #[repr(C)]
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $name {
            $($(#[$field_attribute])* pub $field: $type,)*
        }

        const _: () = {
            assert!(size_of::<$name>() == $size, "the size is part of the format");
            assert!(0 $(+ size_of::<$type>())* == $size, "a gap would be bytes without a value");
        };

        impl $name {
            /// How many bytes it takes in a file.
            pub const SIZE: usize = $size;

            /// Its bytes, as they stand in a file.
            #[must_use]
            pub fn to_bytes(&self) -> [u8; $size] {
                let mut bytes = [0; $size];
                $($crate::record::Plain::put(
                    &self.$field,
                    &mut bytes[core::mem::offset_of!(Self, $field)..][..size_of::<$type>()],
                );)*
                bytes
            }

            /// The one that has these bytes.
            #[must_use]
            pub fn from_bytes(bytes: &[u8; $size]) -> Self {
                Self {
                    $($field: $crate::record::Plain::take(
                        &bytes[core::mem::offset_of!(Self, $field)..][..size_of::<$type>()],
                    ),)*
                }
            }

            /// The first one in `bytes`, if they are enough.
            pub(crate) fn first_of(bytes: &[u8]) -> Option<Self> {
                bytes.first_chunk().map(Self::from_bytes)
            }
        }
    };
}

pub(crate) use record;
