//! Which cells of the maps' columns each row fills: a bit a cell, kept only where side tables might fill them too.

pub(crate) struct NamedCells {
    /// Places of the columns in the header, with their names.
    columns: Vec<(usize, String)>,
    words_per_row: usize,
    words: Vec<u64>,
}

impl NamedCells {
    pub(crate) fn new(columns: Vec<(usize, String)>) -> Self {
        let words_per_row = columns.len().div_ceil(64);
        Self { columns, words_per_row, words: Vec::new() }
    }

    /// The next row, by what tells whether a column's cell is filled.
    pub(crate) fn push(&mut self, is_named: impl Fn(usize) -> bool) {
        let from = self.words.len();
        self.words.resize(from + self.words_per_row, 0);
        for (bit, (column, _)) in self.columns.iter().enumerate() {
            self.words[from + bit / 64] |= u64::from(is_named(*column)) << (bit % 64);
        }
    }

    /// The columns whose cells the row fills.
    pub(crate) fn of(&self, row: u32) -> impl Iterator<Item = usize> + '_ {
        let from = row as usize * self.words_per_row;
        let words = self.words.get(from..from + self.words_per_row).unwrap_or(&[]);
        let is_set = move |bit: usize| words.get(bit / 64).is_some_and(|word| word >> (bit % 64) & 1 == 1);
        self.columns.iter().enumerate().filter(move |(bit, _)| is_set(*bit)).map(|(_, (column, _))| *column)
    }

    /// The name of a column.
    pub(crate) fn name(&self, column: usize) -> &str {
        self.columns.iter().find(|(place, _)| *place == column).map_or("", |(_, name)| name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_stand_for_cells() {
        let columns: Vec<(usize, String)> = (10..140).map(|column| (column, column.to_string())).collect();
        let mut named = NamedCells::new(columns);
        named.push(|column| column % 60 == 0);
        named.push(|_| false);
        named.push(|column| column == 139);
        assert_eq!(named.of(0).collect::<Vec<_>>(), [60, 120]);
        assert_eq!(named.of(1).count(), 0);
        assert_eq!(named.of(2).map(|column| named.name(column)).collect::<Vec<_>>(), ["139"]);
        let none = NamedCells::new(Vec::new());
        assert_eq!(none.of(7).count(), 0);
    }
}
