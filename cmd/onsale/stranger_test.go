package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"onsale/cluster/certificate"
	"onsale/cluster/codes"
	"onsale/cluster/forward"
	"onsale/proof/testenv"
	"onsale/raftfsm/peer"
	"onsale/sequencer"
	"onsale/wal/journal"
)

// startGuarded starts three nodes and a sale; with TLS when there is a folder of an authority.
func startGuarded(t *testing.T, authority string) (nodes []*testNode, operator []string) {
	nodes = newNodes(t, 3)
	if authority != "" {
		command(t, 0, "tls", "ca", "--dir", authority)
		operator = certify(t, authority, "operator", "ann")
	}
	for _, n := range nodes {
		if authority != "" {
			n.extra = certify(t, authority, "node", n.id)
		}
		n.start()
	}
	testenv.Eventually(t, time.Minute, "a healthy cluster", func() bool {
		code, _ := attempt(append(append([]string{"cluster", "health"}, nodes[0].asked()...), operator...)...)
		return code == 0
	})
	testenv.Eventually(t, time.Minute, "a sale", func() bool {
		code, text := attempt(append(append([]string{"sale", "create", "gig", "--price", "0", "--quantity", "100"}, nodes[0].asked()...), operator...)...)
		return code == 0 || strings.Contains(text, "sale-exists") // an attempt made it whose outcome was unknown
	})
	return nodes, operator
}

// asked are the flags of a command that asks the node.
func (n *testNode) asked() []string {
	return []string{"--private", n.private, "--secret-file", n.secretFile}
}

// clusterOf returns the lineage that a cluster goes by, as any of its nodes would tell.
func clusterOf(t *testing.T, nodes []*testNode, operator []string) peer.Lineage {
	t.Helper()
	shown := command(t, 0, append(append([]string{"cluster", "status", "-o", "json"}, nodes[0].asked()...), operator...)...)
	status := into[struct {
		ClusterID string `json:"cluster_id"`
	}](t, shown)
	id, err := peer.ParseClusterID(status.ClusterID)
	if err != nil {
		t.Fatalf("%v\n%s", err, shown)
	}
	return peer.Lineage{id}
}

// A stranger who knows everything but the secret, and with TLS has a certificate of the
// cluster's as well, gets no connection for anything: it forwards no buys, speaks no raft,
// reads no journal, does not join, and supersedes nobody.
func TestStrangersWithoutTheSecret(t *testing.T) {
	testenv.TakesLong(t, "two clusters of processes")
	for _, secured := range []bool{false, true} {
		t.Run(map[bool]string{false: "plaintext", true: "TLS"}[secured], func(t *testing.T) {
			t.Parallel()
			authority := ""
			if secured {
				authority = filepath.Join(t.TempDir(), "tls")
			}
			nodes, operator := startGuarded(t, authority)
			lineage := clusterOf(t, nodes, operator)
			newer := append(lineage[:1:1], peer.ClusterID{1})
			other := bytes.Repeat([]byte("x"), peer.SecretBytesMin)
			for _, secrets := range [][][]byte{nil, {other}, {nil, other}} {
				for _, as := range []struct {
					id   string
					role peer.Role
					of   peer.Lineage
				}{{"f1", peer.FrontEnd, lineage}, {"f1", peer.FrontEnd, nil}, {"n2", peer.Node, lineage}, {"n4", peer.Node, nil}, {"n2", peer.Node, newer}} {
					config := peer.DefaultConfig()
					config.ID, config.Role, config.Secrets, config.Start = as.id, as.role, secrets, 1<<62
					config.Cluster = func() (peer.Lineage, uint8) { return as.of, 0 }
					if secured {
						kind := map[peer.Role]string{peer.Node: "node", peer.FrontEnd: "front-end"}[as.role]
						config.Credentials = credentials(t, certify(t, authority, kind, as.id, "--replace"))
					}
					for _, n := range nodes {
						for _, service := range []peer.Service{peer.Forward, peer.Raft, peer.Greet} {
							conn, err := peer.Dial(t.Context(), &config, n.peer, service, "")
							if !errors.Is(err, peer.ErrSecret) {
								t.Errorf("%s %c of %v asks %s for %c: %v, %v", as.id, as.role, as.of, n.id, service, conn, err)
							}
						}
					}
				}
			}
			if !secured {
				strangersBytes(t, nodes)
			}
			joinsWithout(t, nodes, authority)
			shown := command(t, 0, append(append([]string{"cluster", "status", "-o", "csv"}, nodes[1].asked()...), operator...)...)
			if strings.Contains(shown, "superseded") || strings.Contains(shown, "n4") || strings.Count(shown, "\n") != 4 {
				t.Errorf("after all that:\n%s", shown)
			}
			for _, n := range nodes {
				n.mustBuy("buyer-at-"+n.id, "gig")
			}
		})
	}
}

// credentials are those of a certificate that certify has made.
func credentials(t *testing.T, flags []string) peer.Credentials {
	t.Helper()
	c, err := certificate.Open(certificate.Files{Authority: flags[1], Certificate: flags[3], Key: flags[5]}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return peerCredentials{c}
}

// strangersBytes sends what comes behind a hello without one, and reads to the end: the
// greeting is all that is said.
func strangersBytes(t *testing.T, nodes []*testNode) {
	buy := sequencer.AppendCommand(nil, &sequencer.Command{Kind: sequencer.KindBuy, Sale: 1, Quantity: 1, User: []byte("thief")})
	for what, sent := range map[string][]byte{
		"a batch":        append([]byte{byte(len(buy)), 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0}, buy...),
		"raft's vote":    append([]byte{1}, bytes.Repeat([]byte{0x80}, 64)...),
		"a page request": append([]byte{24, 0, 0, 0, 8, 0, 0, 0}, make([]byte, 32)...),
		"HTTP":           []byte("GET /v1/node HTTP/1.1\r\nHost: localhost\r\n\r\n"),
	} {
		conn, err := net.Dial("tcp", nodes[0].peer)
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(time.Minute))
		conn.Write(sent)
		answer, _ := io.ReadAll(conn) // until the node closes, perhaps on what it did not read
		conn.Close()
		if len(answer) > 32 || !bytes.HasPrefix(answer, []byte("ONSP")) && len(answer) > 0 {
			t.Errorf("%s is answered %q", what, answer)
		}
	}
}

// joinsWithout starts a node and a front-end with another secret: the one does not join, the
// other does not sell, and both say why.
func joinsWithout(t *testing.T, nodes []*testNode, authority string) {
	wrong := filepath.Join(t.TempDir(), "wrong")
	command(t, 0, "secret", wrong)
	joining, front := newcomer(t, "n4", nodes), newFrontEnds(t, 1, nodes)[0]
	joining.peerSecretFile, front.peerSecretFile = wrong, wrong
	if authority != "" {
		joining.extra = append(joining.extra, certify(t, authority, "node", "n4", "--replace")...)
		front.extra = append(front.extra, certify(t, authority, "front-end", "f1", "--replace")...)
	}
	joining.start()
	front.start()
	joining.logs("the two do not have the same peer secret (--peer-secret-file)")
	front.logs("the two do not have the same peer secret (--peer-secret-file)")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if o, err := front.buyer("ann").Order(ctx, "000G000000000003"); err == nil {
		t.Errorf("it reads an order: %+v", o)
	}
	if joining.ready() || front.ready() {
		t.Error("it is ready")
	}
	joining.kill()
	front.kill()
}

// With the certificate of a front-end, and the secret, a thief is the front-end: it buys,
// reads anybody's orders and begins payments as anybody. It does not say that something was
// paid, sells nothing, changes no cluster, reads no journal, speaks no raft and supersedes
// nobody. docs/operations.md says so.
func TestStolenFrontEnd(t *testing.T) {
	testenv.TakesLong(t, "a cluster of processes")
	t.Parallel()
	authority := filepath.Join(t.TempDir(), "tls")
	nodes, operator := startGuarded(t, authority)
	lineage := clusterOf(t, nodes, operator)
	secrets, err := readPeerSecrets(nodes[0].peerSecretFile)
	if err != nil {
		t.Fatal(err)
	}
	config := peer.DefaultConfig()
	config.ID, config.Role, config.Secrets = "f1", peer.FrontEnd, secrets
	config.Cluster = func() (peer.Lineage, uint8) { return lineage, 0 }
	config.Credentials = credentials(t, certify(t, authority, "front-end", "f1"))
	var addresses []string
	for _, n := range nodes {
		addresses = append(addresses, n.peer)
	}
	client := forward.NewClient(forward.DefaultClientConfig(), &config, forward.NewDirectory(addresses), nil, forward.Limits{})
	remote := forward.NewRemote(client, slog.New(slog.DiscardHandler))
	defer remote.Close()

	ann := []byte("ann")
	buy := sequencer.Command{Kind: sequencer.KindBuy, Sale: 1, Quantity: 1, User: ann, Key: sequencer.DigestKey(ann, []byte("k"))}
	bought, err := settled(t, func() (sequencer.Result, error) { return client.Decide(&buy) })
	if err != nil || bought.Code != sequencer.CodeOK {
		t.Fatalf("buys as anybody: %+v, %v", bought, err)
	}
	if views, _, err := remote.OrdersOf(t.Context(), ann, 0, 10, bought.Seq); err != nil || len(views) != 1 {
		t.Errorf("reads anybody's orders: %+v, %v", views, err)
	}
	nothing := sequencer.Command{Kind: sequencer.KindPayResult, Order: bought.Seq, Attempt: 1, Outcome: sequencer.PayAccepted}
	if result, err := client.Decide(&nothing); !errors.Is(err, sequencer.ErrForward) {
		t.Errorf("says that it was paid: %+v, %v", result, err)
	}

	token := []byte(strings.TrimSpace(command(t, 0, "token", "--user", "sella", "--role", "seller", "--secret-file", nodes[0].secretFile)))
	for _, n := range nodes {
		link, err := forward.DialLink(t.Context(), &config, n.peer, n.id)
		if err != nil {
			t.Fatal(err)
		}
		pause := sequencer.Command{Kind: sequencer.KindSalePause, Sale: 1}
		if _, err := link.Seller(t.Context(), token, &pause); !errors.Is(err, codes.ErrRejected) {
			t.Errorf("pauses a sale at %s, with a seller's token: %v", n.id, err)
		}
		for verb, body := range map[string]string{"change": `{"step":"remove","id":"n3"}`, "join": `{"node":{"id":"f1","address":"127.0.0.1:1"}}`, "checkpoints": `{}`, "probe": `{}`} {
			if answer, err := link.Control(t.Context(), verb, []byte(body)); !errors.Is(err, codes.ErrRejected) {
				t.Errorf("%s at %s: %s, %v", verb, n.id, answer, err)
			}
		}
		if _, err := link.Blocks(t.Context(), journal.PageQuestion{Height: 1, Blocks: 1, Bytes: 1 << 16}); !errors.Is(err, codes.ErrRejected) {
			t.Errorf("reads the journal of %s: %v", n.id, err)
		}
		link.Close()

		if conn, err := peer.Dial(t.Context(), &config, n.peer, peer.Raft, ""); !errors.Is(err, peer.ErrRefused) {
			t.Errorf("speaks raft with %s: %v, %v", n.id, conn, err)
		}
		as := config
		as.ID, as.Role = "n2", peer.Node
		if conn, err := peer.Dial(t.Context(), &as, n.peer, peer.Raft, ""); !errors.Is(err, peer.ErrOtherNode) {
			t.Errorf("says to %s that it is a node: %v, %v", n.id, conn, err)
		}
		newer := config
		newer.Cluster = func() (peer.Lineage, uint8) { return append(lineage[:1:1], peer.ClusterID{1}), 0 }
		if conn, err := peer.Dial(t.Context(), &newer, n.peer, peer.Forward, ""); !errors.Is(err, peer.ErrOlderCluster) {
			t.Errorf("says to %s that its cluster was succeeded: %v, %v", n.id, conn, err)
		}
	}
	has(t, command(t, 0, append(append([]string{"sale", "list", "-o", "csv"}, nodes[0].asked()...), operator...)...), "gig", "open")
	nodes[0].mustBuy("bob", "gig")
}
