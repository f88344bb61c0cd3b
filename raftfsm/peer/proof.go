package peer

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"net"
)

// SecretBytesMin is the least length of a peer secret. Whoever sees a handshake in the
// clear can try secrets against its proofs, so it must be random.
const SecretBytesMin = 32

// SecretsMax bounds the secrets that are taken at once: an old and a new one of each of a
// few clusters.
const SecretsMax = 8

// proof is HMAC-SHA256 under the peer secret over everything that was said before it:
//
//	bytes  what
//	20     "onsale hello proof 4"
//	1      'C' of the caller's, 'L' of the listener's
//	1      length of the channel binding: 32 under TLS, else 0
//	0, 32  channel binding (RFC 9266, tls-exporter)
//	32     greeting
//	       the caller's hello without its proof
//	       in the listener's: the caller's proof, and the answer without its proof
//
// Both nonces are in it, so it is good for one connection; the side is, so that it cannot
// be sent back to who made it; the channel is, so that who stands between two TLS
// connections cannot pass it on.
type proof [sha256.Size]byte

const (
	proofPrefix  = "onsale hello proof 4"
	callerSide   = 'C'
	listenerSide = 'L'
)

// transcript is what was said on a connection.
type transcript struct {
	binding []byte
	said    []byte // greeting, hello, answer as far as they were said
}

// begin returns the transcript of a connection that begins with a greeting.
func begin(conn net.Conn, greeting []byte) (*transcript, error) {
	t := &transcript{said: append([]byte(nil), greeting...)}
	if secure, is := conn.(*tls.Conn); is {
		state := secure.ConnectionState()
		binding, err := state.ExportKeyingMaterial("EXPORTER-Channel-Binding", nil, sha256.Size)
		if err != nil {
			return nil, err
		}
		t.binding = binding
	}
	return t, nil
}

// prove makes the proof of a hello that is said next, by a side that has the secret.
func (t *transcript) prove(secret []byte, side byte, encoded []byte) proof {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(proofPrefix))
	mac.Write([]byte{side, byte(len(t.binding))})
	mac.Write(t.binding)
	mac.Write(t.said)
	mac.Write(encoded[:len(encoded)-len(proof{})])
	return proof(mac.Sum(nil))
}

// say returns the bytes of a hello with its proof, zero without a secret, and notes them.
func (t *transcript) say(secret []byte, side byte, h *hello) []byte {
	encoded := h.append(nil)
	if secret != nil {
		p := t.prove(secret, side, encoded)
		copy(encoded[len(encoded)-len(p):], p[:])
	}
	t.said = append(t.said, encoded...)
	return encoded
}

// heard reports which of the secrets a hello that the other side said has the proof of; of
// a nil one it is no proof. To who proves nothing that is taken, nothing is proven. It notes
// the hello.
func (t *transcript) heard(secrets [][]byte, side byte, h *hello, encoded []byte) (secret []byte, proven bool) {
	for _, s := range secrets {
		var want proof
		if s != nil {
			want = t.prove(s, side, encoded)
		}
		if hmac.Equal(want[:], h.proof[:]) {
			secret, proven = s, true
			break
		}
	}
	t.said = append(t.said, encoded...)
	return secret, proven
}
