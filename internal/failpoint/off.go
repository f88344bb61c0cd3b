//go:build !failpoints

package failpoint

// Built says whether this program has failpoints.
const Built = false

// Hit is where a process may die or hang: not in this program.
func Hit(Name) {}

// Err is where an operation may also fail: not in this program.
func Err(Name) error { return nil }
