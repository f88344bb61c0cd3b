// Package releases reads which commits were released, and holds what comes after them to it.
//
// The file RELEASES names each release's commit and the level of formats that it speaks. A level
// belongs to a release: what was not released may still change under it, what was released may
// not. So while this tree is at the level of the last release, the golden files of what is
// written to disk and wire must be the ones of that release's commit, byte for byte; else the
// level must be one more (Check). Whether programs of both do get along is not for golden files
// to say: cmd/onsale builds the last release (Build), and upgrades from it and goes back.
//
// # Trade-offs
//
// A release's commit is read from the history of the clone that this tree is in. A tree without
// one, or a clone that was cut short, cannot be checked: that is an error and never a pass.
// A release is built with the modules of its own go.mod, which may be others than ours.
package releases
