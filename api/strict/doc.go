// Package strict reads a request so that it has one reading or none.
//
// The HTTP library forgives what a proxy in front may read otherwise, and two readings
// of one stream are how requests are smuggled past what guards a server. So the raw
// bytes are looked at before anything decodes them, and what is not written in the one
// form that everybody reads alike is refused:
//
//   - Framing sees where requests begin on a connection, because empty lines before a
//     request and a bare line feed after its first line are dropped silently before
//     anybody could see them.
//   - Header reads each line once and refuses folded lines, bare line feeds, names with
//     spaces, and lines of ours that came twice.
//   - SplitTarget takes one spelling of a path: no percent-encoding, no empty or dot
//     segment, no whole URI.
//   - Query takes known parameters, each once, in one spelling.
//   - DecodeJSON takes one JSON object whose every field is known.
//
// What is returned refers to the connection's buffer and ends with the request. Nothing
// here allocates for a request that is taken. Fuzz tests hold what is taken to what
// net/url reads, and package api's to what net/http reads of the same streams.
//
// # Trade-offs
//
//   - RFC 9112 allows empty lines before a request and a bare line feed at a line's end;
//     not everybody does, so clients of thirty years ago are refused.
//   - A path is refused for an escape that would be harmless. No id of ours needs one.
//   - Bodies come with a Content-Length only. Who streams a body of unknown length has
//     to buffer it; ours are one small object.
package strict
