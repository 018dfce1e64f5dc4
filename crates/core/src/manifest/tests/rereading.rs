//! The rows are read after the check: what if a file changed in between?

use super::*;

/// A file that is another one once it was rewound or sought in.
struct Changing {
    bytes: [Vec<u8>; 2],
    sized: bool,
    second: bool,
    at: u64,
}

impl std::io::Read for Changing {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let mut rest = Cursor::new(&self.bytes[usize::from(self.second)]);
        rest.set_position(self.at);
        let read = std::io::Read::read(&mut rest, into)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl std::io::Seek for Changing {
    fn seek(&mut self, to: std::io::SeekFrom) -> std::io::Result<u64> {
        match to {
            // The size is asked for, and then the file is read for the first time.
            std::io::SeekFrom::End(_) => {
                self.sized = true;
                self.at = self.bytes[0].len() as u64;
            }
            std::io::SeekFrom::Start(at) => {
                self.second = !std::mem::take(&mut self.sized);
                self.at = at;
            }
            std::io::SeekFrom::Current(_) => unreachable!("rereading always seeks from the start"),
        }
        Ok(self.at)
    }
}

#[test]
fn a_file_that_changes_in_between_ends_the_rows() {
    let orgs = "org_uuid,enabled\n{A},true\n{B},true\n";
    let doors = "org_uuid,door_key,doorName\n{A},1,x\n{B},1,y\n";
    for (name, orgs_then, doors_then, changed) in [
        ("nothing", orgs, doors, None),
        ("a cell", "org_uuid,enabled\n{A},true\n{B},fals\n", doors, Some("orgs.csv")),
        ("a value", "org_uuid,enabled\n{A},true\n{B},TRUE\n", doors, Some("orgs.csv")),
        ("a row more", "org_uuid,enabled\n{A},true\n{B},true\n{C},true\n", doors, Some("orgs.csv")),
        ("a row less", "org_uuid,enabled\n{A},true\n", doors, Some("orgs.csv")),
        ("the header", "org_uuid,saveClips\n{A},true\n{B},true\n", doors, Some("orgs.csv")),
        ("gone", "", doors, Some("orgs.csv")),
        ("a side table's cell", orgs, "org_uuid,door_key,doorName\n{A},1,z\n{B},1,y\n", Some("doors.csv")),
        ("a side table's order", orgs, "org_uuid,door_key,doorName\n{B},1,y\n{A},1,x\n", Some("doors.csv")),
        ("a side table cut", orgs, "org_uuid,door_key,doorName\n{A},1,x\n", Some("doors.csv")),
    ] {
        let file = |first: &str, then: &str| Changing {
            bytes: [fill(first), fill(then)],
            sized: false,
            second: false,
            at: 0,
        };
        let mut sink = |problem: Problem| panic!("{problem}");
        let inputs = Inputs {
            sides: vec![side(DOORS, file(doors, doors_then))],
            ..Inputs::bare(Catalog::built_in(), Source::new("orgs.csv", file(orgs, orgs_then)))
        };
        let mut manifest = Manifest::read(inputs, &mut Problems::new(&mut sink)).unwrap().unwrap();
        let end = manifest.rows().and_then(Iterator::collect::<Result<Vec<_>, _>>);
        match (end, changed) {
            (Ok(rows), None) => assert_eq!(rows.len(), 2, "{name}"),
            (Err(RowsError::Changed { file }), Some(changed)) => assert_eq!(&*file, changed, "{name}"),
            (end, _) => panic!("{name}: {end:?}"),
        }
    }
}
