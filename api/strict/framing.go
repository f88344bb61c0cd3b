package strict

import (
	"bytes"

	"github.com/valyala/fasthttp"
)

// Framing holds what the HTTP library forgives before a request's header: empty lines
// before the request line, and a request line without its carriage return. Who forgives
// it differs from who does not about where a request begins, and the library tells
// nobody. So the connection's bytes are looked at where requests begin, which is known
// because each accepted request has one strict length. It belongs to the goroutine
// that serves the connection.
type Framing struct {
	total int64 // bytes that were read
	next  int64 // where the request begins that comes next, or is being read
	// last is what was read last. It stays as it is until the next read, or Forget.
	last   []byte
	inLine bool // the end of the request line has not come yet
	before byte // the last byte of the request line so far
	loose  bool // the request was begun in a way that others read differently
}

// Read takes note of bytes that came.
func (f *Framing) Read(data []byte) {
	begin := f.total
	f.total += int64(len(data))
	f.last = data
	switch {
	case len(data) == 0:
	case f.next >= begin:
		f.begin(data[f.next-begin:])
	case f.inLine:
		f.line(data)
	}
}

// Forget lets go of what was read: a request that comes next begins with what comes.
func (f *Framing) Forget() { f.last = nil }

// Took says that a request of a strict length was read, and reports whether it really
// had that length and began as it should.
func (f *Framing) Took(length int) (strict bool) {
	strict = !f.loose
	f.next += int64(length)
	f.loose = f.inLine
	if f.next == f.total {
		return strict
	}
	at := f.next - (f.total - int64(len(f.last)))
	if at < 0 || f.next > f.total {
		f.loose = true // it was not as long as it said: nothing behind it is to be trusted
		return false
	}
	f.begin(f.last[at:])
	return strict
}

// begin looks at the first bytes of a request.
func (f *Framing) begin(data []byte) {
	f.before = 0
	f.loose = f.loose || data[0] == '\r' || data[0] == '\n'
	f.line(data)
}

// line looks for the end of the request line.
func (f *Framing) line(data []byte) {
	end := bytes.IndexByte(data, '\n')
	if f.inLine = end < 0; f.inLine {
		f.before = data[len(data)-1]
		return
	}
	if end > 0 {
		f.before = data[end-1]
	}
	f.loose = f.loose || f.before != '\r'
}

// Length is how many bytes a request has that is written as it must be.
func Length(request *fasthttp.Request) int {
	header := &request.Header
	const spacesAndEnd = len("  \r\n")
	return len(header.Method()) + len(header.RequestURI()) + len(header.Protocol()) + spacesAndEnd +
		max(len(header.RawHeaders()), len("\r\n")) + len(request.Body())
}
