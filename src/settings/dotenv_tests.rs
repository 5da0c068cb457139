//! Every rule of the reader, and that nothing of a file gets into its errors.

use proptest::prelude::*;

use super::*;

fn outside(name: &str) -> Option<String> {
    match name {
        "OUT" => Some("out".to_owned()),
        "PASSWORD" => Some("of the process".to_owned()),
        _ => None,
    }
}

fn read(text: &str) -> BTreeMap<String, Entry> {
    parse(text, &outside).unwrap()
}

/// The value of `A`; an undefined name in front of a `?`.
fn value(text: &str) -> String {
    match read(text).remove("A").unwrap().value {
        Ok(value) => value,
        Err(name) => format!("?{name}"),
    }
}

#[test]
fn values_are_read() {
    for (text, wanted) in [
        ("A=b", "b"),
        ("export A=b\n", "b"),
        ("export\tA = b", "b"),
        ("  A  =  b c  \n", "b c"),
        ("A=", ""),
        ("A=\nB=c", ""),
        ("A=''", ""),
        ("A='b c' # d", "b c"),
        ("A=\"b c\"   #d", "b c"),
        ("A=\"b\"#c", "b"),
        // Comments.
        ("A=b # c", "b"),
        ("A=b\t# c", "b"),
        ("A=b#c", "b#c"),
        ("A=#b", "#b"),
        ("A= # b", ""),
        ("A='b # c'", "b # c"),
        ("A=\"b # c\"", "b # c"),
        ("# A=x\n\n   # B\nA=b", "b"),
        // A quote inside a plain value is part of it.
        ("A=b'c", "b'c"),
        ("A=b\"c\"", "b\"c\""),
        ("A=b\\nc", "b\\nc"),
        // Escapes.
        (r#"A="b\n\"c\"\\ \t\$ \q""#, "b\n\"c\"\\ \t$ \\q"),
        (r"A='b\n\'c\' \\ ${OUT}'", r"b\n'c' \ ${OUT}"),
        // Several lines.
        ("A=\"b\nc\"\nB=d", "b\nc"),
        ("A='b\nc'", "b\nc"),
        // Other systems' files.
        ("\u{feff}A=b\r\nB=c\r\n", "b"),
        ("A=\"b\r\nc\"\r\n", "b\nc"),
        // The last one stands.
        ("A=b\nA=c", "c"),
    ] {
        assert_eq!(value(text), wanted, "{text:?}");
    }
}

#[test]
fn only_braces_are_expanded() {
    for (text, wanted) in [
        ("A=pa$word", "pa$word"),
        ("A=\"pa$word\"", "pa$word"),
        ("A=$OUT", "$OUT"),
        ("A=pa$$w0rd$", "pa$$w0rd$"),
        ("A=${OUT}", "out"),
        ("A=x${OUT}y${OUT}", "xoutyout"),
        ("A=\"x${OUT}y\"", "xouty"),
        ("A='${OUT}'", "${OUT}"),
        ("A=\"\\${OUT}\"", "${OUT}"),
        ("B=b\nA=${B}c", "bc"),
        ("PASSWORD=of the file\nA=${PASSWORD}", "of the file"),
        ("A=${OUT:-x}", "out"),
        ("A=${NONE:-x y}", "x y"),
        ("A=${NONE:-}", ""),
        ("B=\nA=${B:-x}", "x"),
        ("B=\nA=${B}", ""),
        // What a value brings in is not looked at again.
        ("B='${OUT}'\nA=${B}", "${OUT}"),
        // Not a reference at all.
        ("A=pa${x", "pa${x"),
        ("A=pa${ x}", "pa${ x}"),
        ("A=pa${x!y}", "pa${x!y}"),
        ("A=pa${}", "pa${}"),
        // Nobody defined it, or what it was made of.
        ("A=${NONE}", "?NONE"),
        ("A=postgresql://u:${NONE}@h/${OTHER}", "?NONE"),
        ("B=${NONE}\nA=x${B}", "?NONE"),
        ("B=${NONE}\nA=${B:-x}", "x"),
        // A later line does not help.
        ("A=${B}\nB=b", "?B"),
    ] {
        assert_eq!(value(text), wanted, "{text:?}");
    }
}

#[test]
fn lines_are_counted() {
    let entries = read("\n# c\nA=\"1\n2\\\n3\"\nB=${A}\n");
    assert_eq!((entries["A"].line, entries["B"].line), (3, 6));
    assert_eq!(entries["B"].value.as_deref(), Ok("1\n2\\\n3"));
}

#[test]
fn a_fault_names_the_line_and_not_what_stands_there() {
    for (text, line, cause) in [
        ("A=b\nhunter2\n", 2, "no '='"),
        ("A=b\nhunter2 x=y", 2, "no '='"),
        ("A=b\n=hunter2", 2, "name"),
        ("9A=hunter2", 1, "name"),
        ("hunter2!x=y", 1, "no '='"),
        ("A='hunter2", 1, "closing quote"),
        ("\nA=\"hunter2\nB=c\n", 2, "closing quote"),
        ("A=\"hunter2\\", 1, "closing quote"),
        ("A='hunter2'x", 1, "follows"),
        ("A=${B:?hunter2}", 1, "shell"),
        ("A=${B-hunter2}", 1, "shell"),
        ("A=${B:-hunter2", 1, "closing '}'"),
        ("A=${B:-${hunter2}}", 1, "plain text"),
    ] {
        let fault = parse(text, &outside).unwrap_err();
        assert_eq!(fault.line, line, "{text:?}: {fault:?}");
        assert!(fault.cause.contains(cause), "{text:?}: {fault:?}");
        assert!(!fault.cause.contains("hunter2"), "{fault:?}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(?s).{0,80}") {
        if let Err(fault) = parse(&text, &outside) {
            prop_assert!(fault.line > 0);
        }
    }

    #[test]
    fn what_looks_like_a_file_does_not_either(
        text in "(A|B|export |=|'|\"|\\\\|\\$|\\$\\{|\\}|:-|#| |\n|\r\n|é){0,30}"
    ) {
        if let Ok(entries) = parse(&text, &outside) {
            prop_assert!(entries.values().all(|entry| entry.line <= text.matches('\n').count() + 1));
        }
    }

    /// Any value survives both kinds of quotes.
    #[test]
    fn quoting_keeps_a_value(value in "[^\r\u{feff}]{0,30}") {
        let single = value.replace('\\', r"\\").replace('\'', r"\'");
        let double = value.replace('\\', r"\\").replace('"', "\\\"").replace('$', r"\$");
        let entries = read(&format!("S='{single}'\nD=\"{double}\"\n"));
        prop_assert_eq!(entries["S"].value.as_deref(), Ok(value.as_str()));
        prop_assert_eq!(entries["D"].value.as_deref(), Ok(value.as_str()));
    }
}
