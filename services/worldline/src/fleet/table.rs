//! Columns for a terminal.

/// Prints rows under their headings, each column as wide as it must be.
pub(super) fn print<const N: usize>(headings: [&str; N], rows: &[[String; N]]) {
    let mut widths = headings.map(|heading| heading.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    println!("{}", line(&headings.map(str::to_owned), &widths));
    for row in rows {
        println!("{}", line(row, &widths));
    }
}

fn line<const N: usize>(cells: &[String; N], widths: &[usize; N]) -> String {
    let padded = cells
        .iter()
        .zip(widths)
        .map(|(cell, width)| format!("{cell:width$}"));
    let line = padded.collect::<Vec<_>>().join("  ");
    line.trim_end().to_owned()
}

/// A name, or a dash.
pub(super) fn or_dash(name: Option<&str>) -> String {
    name.filter(|name| !name.is_empty())
        .unwrap_or("-")
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stand_under_their_headings() {
        let row = ["harbor-1".to_owned(), "w1".to_owned()];
        assert_eq!(line(&row, &[10, 6]), "harbor-1    w1");
        assert_eq!(or_dash(Some("")), "-");
    }
}
