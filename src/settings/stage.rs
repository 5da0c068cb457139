//! What an environment is for.

/// From the one where a fault costs least to the one where it costs most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    Development,
    Staging,
    Production,
}

impl Stage {
    /// What a name stands for: `dev`, `Staging`, `prod`; none for one that is nobody's habit.
    pub fn of(name: &str) -> Option<Self> {
        Some(match name.trim().to_ascii_lowercase().as_str() {
            "ci" | "dev" | "develop" | "development" | "local" | "test" | "testing" => {
                Self::Development
            }
            "pre-prod" | "pre-production" | "preprod" | "preproduction" | "qa" | "stage"
            | "staging" | "uat" => Self::Staging,
            "prod" | "production" => Self::Production,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_has_several_names() {
        for (name, stage) in [
            ("dev", Some(Stage::Development)),
            ("Development", Some(Stage::Development)),
            ("develop", Some(Stage::Development)),
            ("preprod", Some(Stage::Staging)),
            ("STAGING", Some(Stage::Staging)),
            ("prod", Some(Stage::Production)),
            ("eu-west", None),
            ("", None),
        ] {
            assert_eq!(Stage::of(name), stage, "{name}");
        }
    }
}
