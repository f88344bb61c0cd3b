// Package accept takes connections in: it goes on when the system has no files left, and
// it bounds how many are open.
//
// A Listener is one that fails for good reasons only. A process that may open no more
// files is told so by accept, and a server that ends for that ends with every process
// that a stranger opens a thousand connections to; so it waits a moment and tries again.
//
// A Room bounds the open connections of a listener. When it is full, one that is idle
// gives way to the one that comes: first of those that never proved who they are, the one
// that was idle longest of the address that has most of them, then one whose proof is
// older than Config.KeepTime. One that is in a request, and one that proved itself within
// KeepTime, never gives way. So who opens connections only to hold them takes the places
// of others like him, and mostly his own. Bound is a listener whose connections have
// places, Guard tells a Room what an HTTP server does with them.
//
// # Trade-offs
//
//   - A request is one from when it was read whole: who sends one byte of it each second is
//     idle, and so may be an honest one on a slow network, when the room is full.
//   - Of those that are idle at most triesMax are looked at for one that comes. When all of
//     these are in requests, the one that comes is refused although others might give way.
//   - An idle connection gives way without a word, as if its idle time had ended; a client
//     that sends a request at the same moment finds it closed, and no part of the request
//     was looked at.
package accept
