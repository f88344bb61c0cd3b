// Package conn lets connections into the buyers' listener and out of it.
//
// A Table bounds them in all and for each address, because memory and files are what a
// flood of connections takes. When all places are taken idle ones give way (accept.Room).
// One beyond a bound is told so in an HTTP answer, and what
// it still sends is read for a moment, so that the answer is not lost with a reset; how
// many may linger so is bounded too, and a flood beyond that is closed untold. When the
// listener drains, connections on which nothing was asked end at once, those with a
// request end with its answer, and who comes is refused.
//
// The HTTP library reads and writes through a Conn, which sees the bytes before the
// library does (strict.Framing needs that), counts what took too long, and moves the
// runtime's timers once a deadline instead of three times a request. SenderOf says whose
// a request is behind trusted proxies.
//
// An idle connection holds no buffer: a Conn reads into one that it takes when something
// came. One that is silent for a second is parked: the goroutine that served it leaves with
// its stack, a new one waits, and serves it when its next request comes.
//
// # Trade-offs
//
//   - What is read is copied once more, from the connection's buffer to the library's; and
//     a parked connection's next request costs the start of a goroutine and of the
//     library's loop, some microseconds.
//   - A connection that is refused before its TLS handshake is closed without an answer:
//     to tell it one would make all others wait for its handshake.
//   - All connections are in one map behind one lock, taken when one comes, leaves, is
//     parked or comes back from that. Requests do not take it, so a sale with keep-alive
//     does not feel it.
//   - Event streams leave the count of all, and so a listener holds more connections than
//     Max: the streams have their own bound.
package conn
