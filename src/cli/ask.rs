//! Asking before something is destroyed.

use std::io::{self, BufRead, IsTerminal, Write};

use crate::cli::error::CliError;

/// Whether to ask first.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct Yes {
    /// Remove or switch off without asking
    #[arg(long, short = 'y')]
    pub yes: bool,
}

impl Yes {
    /// Goes on if the person at the terminal, or `--yes`, says so. `deed` is what would be done, as in "this would …";
    /// `affected` says who is affected, a line each.
    ///
    /// # Errors
    /// [`CliError::NeedsYes`] where nobody can be asked, [`CliError::Declined`] where the answer is no.
    pub fn confirm(self, deed: &str, affected: &[String]) -> Result<(), CliError> {
        if self.yes {
            return Ok(());
        }
        if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return Err(CliError::NeedsYes {
                deed: deed.to_owned(),
            });
        }
        let answer = ask(&mut io::stdin().lock(), &mut io::stderr(), deed, affected);
        match answer.map_err(|source| CliError::Terminal { source })? {
            Answer::Yes => Ok(()),
            Answer::No => Err(CliError::Declined),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Yes,
    No,
}

fn ask(
    from: &mut impl BufRead,
    to: &mut impl Write,
    deed: &str,
    affected: &[String],
) -> io::Result<Answer> {
    writeln!(to, "This would {deed}.")?;
    for line in affected {
        writeln!(to, "  {line}")?;
    }
    write!(to, "Go on? [y/N] ")?;
    to.flush()?;
    let mut line = String::new();
    from.read_line(&mut line)?;
    let said = line.trim().to_ascii_lowercase();
    Ok(if said == "y" || said == "yes" {
        Answer::Yes
    } else {
        Answer::No
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_yes_is_one() {
        for (said, expect) in [
            ("y\n", Answer::Yes),
            ("YES\n", Answer::Yes),
            ("n\n", Answer::No),
            ("\n", Answer::No),
            ("", Answer::No),
            ("yy\n", Answer::No),
        ] {
            let mut told = Vec::new();
            let answer = ask(
                &mut said.as_bytes(),
                &mut told,
                "delete realm acme",
                &["3 deployments end".into()],
            )
            .unwrap();
            assert_eq!(answer, expect, "{said:?}");
            assert_eq!(
                String::from_utf8(told).unwrap(),
                "This would delete realm acme.\n  3 deployments end\nGo on? [y/N] "
            );
        }
    }
}
