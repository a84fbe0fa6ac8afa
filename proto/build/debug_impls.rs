//! Writes `Debug` for every message of `subrosa.v1` so that it can print no content.
//!
//! The rule needs no list of what is content: a string, a byte string or a map is never printed, whatever it holds.
//! What is printed are numbers, flags, enums, times, durations, how many elements a repeated field has, and other
//! messages of this package, by the same rule. So a new field cannot leak by being forgotten.

use std::fmt::{self, Write as _};

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet};

/// The package whose messages get a `Debug` of their own.
const PACKAGE: &str = "subrosa.v1";

/// Well-known messages that hold only numbers. All others, such as `FieldMask`, may hold a client's strings.
const NUMERIC_MESSAGES: [&str; 2] = [".google.protobuf.Timestamp", ".google.protobuf.Duration"];

/// Returns the full path of every message of the package, such as `.subrosa.v1.Record`.
pub(crate) fn message_paths(descriptors: &FileDescriptorSet) -> Vec<String> {
    messages(descriptors).map(|message| format!(".{PACKAGE}.{}", message.name())).collect()
}

/// Returns the Rust source of the `Debug` implementations of all messages and oneofs of the package.
///
/// # Errors
///
/// A message is declared inside another one, which this generator does not support.
pub(crate) fn generate(descriptors: &FileDescriptorSet) -> Result<String, Box<dyn std::error::Error>> {
    let mut out = String::new();
    for message in messages(descriptors) {
        if message.nested_type.iter().any(|nested| !is_map_entry(nested)) {
            return Err(format!("{} declares a message inside: declare it beside", message.name()).into());
        }
        write_message(&mut out, message)?;
        for oneof in 0..message.oneof_decl.len() {
            write_oneof(&mut out, message, oneof)?;
        }
    }
    Ok(out)
}

fn messages(descriptors: &FileDescriptorSet) -> impl Iterator<Item = &DescriptorProto> {
    let in_package = |file: &&FileDescriptorProto| file.package() == PACKAGE;
    descriptors.file.iter().filter(in_package).flat_map(|file| &file.message_type)
}

fn is_map_entry(message: &DescriptorProto) -> bool {
    message.options.as_ref().is_some_and(|options| options.map_entry())
}

fn write_message(out: &mut String, message: &DescriptorProto) -> fmt::Result {
    let name = message.name();
    writeln!(out, "impl ::core::fmt::Debug for {name} {{")?;
    writeln!(out, "    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {{")?;
    writeln!(out, "        let mut out = f.debug_struct(\"{name}\");")?;
    for field in message.field.iter().filter(|field| !is_in_oneof(field)) {
        if let Some(value) = printed_value(field) {
            writeln!(out, "        out.field(\"{}\", &{value});", field.name())?;
        }
    }
    for oneof in real_oneofs(message) {
        writeln!(out, "        out.field(\"{oneof}\", &self.{oneof});")?;
    }
    writeln!(out, "        out.finish_non_exhaustive()\n    }}\n}}\n")
}

/// Returns the expression that is printed for a field outside a oneof, or nothing when it may hold content.
fn printed_value(field: &FieldDescriptorProto) -> Option<String> {
    let name = field.name();
    if field.label() == Label::Repeated {
        return Some(format!("Count(self.{name}.len())"));
    }
    match field.r#type() {
        Type::String | Type::Bytes | Type::Group => None,
        Type::Message if !prints_safely(field.type_name()) => None,
        Type::Enum if !field.proto3_optional() => Some(format!("{}::try_from(self.{name})", local(field.type_name()))),
        _ => Some(format!("self.{name}")),
    }
}

fn prints_safely(type_name: &str) -> bool {
    NUMERIC_MESSAGES.contains(&type_name) || type_name.starts_with(&format!(".{PACKAGE}."))
}

fn write_oneof(out: &mut String, message: &DescriptorProto, index: usize) -> fmt::Result {
    let members: Vec<_> = message.field.iter().filter(|field| is_member(field, index)).collect();
    if members.is_empty() {
        return Ok(());
    }
    let oneof = format!("{}::{}", snake_case(message.name()), camel_case(message.oneof_decl[index].name()));
    writeln!(out, "impl ::core::fmt::Debug for {oneof} {{")?;
    writeln!(out, "    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {{")?;
    writeln!(out, "        match self {{")?;
    for field in members {
        let variant = camel_case(field.name());
        match field.r#type() {
            Type::Message if prints_safely(field.type_name()) => {
                writeln!(out, "            Self::{variant}(it) => f.debug_tuple(\"{variant}\").field(it).finish(),")?;
            }
            _ => writeln!(out, "            Self::{variant}(_) => f.write_str(\"{variant}\"),")?,
        }
    }
    writeln!(out, "        }}\n    }}\n}}\n")
}

fn is_in_oneof(field: &FieldDescriptorProto) -> bool {
    field.oneof_index.is_some() && !field.proto3_optional()
}

fn is_member(field: &FieldDescriptorProto, oneof: usize) -> bool {
    is_in_oneof(field) && usize::try_from(field.oneof_index()) == Ok(oneof)
}

fn real_oneofs(message: &DescriptorProto) -> impl Iterator<Item = &str> {
    let is_real = |index: usize| message.field.iter().any(|field| is_member(field, index));
    message.oneof_decl.iter().enumerate().filter(move |(index, _)| is_real(*index)).map(|(_, oneof)| oneof.name())
}

/// Returns the last part of a full type name.
fn local(type_name: &str) -> &str {
    type_name.rsplit('.').next().unwrap_or(type_name)
}

fn camel_case(snake: &str) -> String {
    let capitalised = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
    snake.split('_').filter(|word| !word.is_empty()).map(capitalised).collect()
}

fn snake_case(camel: &str) -> String {
    let mut snake = String::new();
    for letter in camel.chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}
