//! x
/// x
#[must_use] 
pub fn json() -> String {
    String::new()
}
