// Package render makes what people read of a run of the suite (bench/result): a page
// with charts, a table for a terminal, and the README's table. The same document always
// gives the same bytes.
package render
