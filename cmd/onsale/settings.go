package main

import (
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"

	"onsale/api"
	"onsale/cluster/backfill"
	"onsale/cluster/forward"
	"onsale/cluster/membership"
	"onsale/internal/setting"
	"onsale/raftfsm"
	"onsale/raftfsm/peer"
)

// processSettings are what nodes and front-ends can both be told.
type processSettings struct {
	*setting.Set
	HTTP, Private string // addresses
	SecretFile    string
	// PeerSecretFile is what nodes and front-ends prove to each other that they have.
	PeerSecretFile string
	LogFormat      string
	LogLevel       string
	AuditLog       string         // file
	stderr         io.Writer      // of the process: the audit log without a file
	logLevel       *slog.LevelVar // the one in force
	TLS            security
	Tokens         tokenSettings
	Web            api.Config
	// PseudonymsFile has the keys under which buyers are known in what is written.
	PseudonymsFile string
	// TrustedProxies and ChallengeBits become a part of Web.
	TrustedProxies []string
	ChallengeBits  int
	// ChallengeSecretFile has secrets that make challenges, instead of the tokens'.
	ChallengeSecretFile string
}

// settings is what a node can be told.
type settings struct {
	processSettings
	Node            raftfsm.Config
	Membership      membership.Config
	Backfill        backfill.Config
	Payment         paymentSettings
	Join            []string
	BootstrapExpect int
	Learner         bool
	WaitToJoin      bool
	Dev             bool
	TicketKeyFile   string
	// PeerConnectionsMax becomes a part of Node.Peer.
	PeerConnectionsMax int
}

// frontEndSettings is what a front-end can be told.
type frontEndSettings struct {
	processSettings
	ID        string
	StateFile string
	Forward   forward.ClientConfig
	Cluster   []string
	// Clusters is the table of the configuration file.
	Clusters map[string]clusterEntry
}

// load reads a node's settings, flags' values being there.
func (s *processSettings) load() error {
	if err := s.Load(os.Environ()); err != nil {
		return usage(err)
	}
	return nil
}

// openLog returns the process' log, which goes to stderr, as the audit log does that has no file.
func (s *processSettings) openLog(stderr io.Writer) (*slog.Logger, error) {
	s.stderr = stderr
	log, err := newLogger(stderr, s.LogFormat, s.LogLevel, s.logLevel)
	return log, usage(err)
}

// web is the configuration of both HTTP listeners; gate is nil when buys need no work.
func (s *processSettings) web(gate *workGate, log *slog.Logger) (c api.Config, err error) {
	c = s.Web
	c.Logger = log
	if gate != nil {
		c.Gate = gate
	}
	c.TrustedProxies, err = parseProxies(s.TrustedProxies)
	return c, err
}

// hosts are the names under which this process's private listener is asked: those that it was
// told, the machine's, and those in its own addresses.
func (s *processSettings) hosts(addresses ...string) []string {
	names := slices.Clone(s.Web.PrivateHosts)
	if own, err := os.Hostname(); err == nil {
		names = append(names, own)
	}
	for _, address := range append(addresses, s.HTTP, s.Private) {
		if host, _, err := net.SplitHostPort(address); err == nil && host != "" {
			names = append(names, host)
		}
	}
	return names
}

// node is the replica's configuration.
func (s *settings) node() (raftfsm.Config, error) {
	c := s.Node
	c.ElectionTimeout, c.LeaseTimeout = c.HeartbeatTimeout, c.HeartbeatTimeout*5/6
	if len(s.Join) == 0 && !s.WaitToJoin {
		c.Bootstrap = []raftfsm.Member{{ID: c.NodeID, Address: c.AdvertiseAddress}}
	}
	return c, c.Validate()
}

// peerGreetingsShare is the part of peers' connections that may be in their handshake.
const peerGreetingsShare = 4

// boundPeers says how many connections of peers there may be.
func (s *settings) boundPeers(c *peer.Config) {
	c.ConnectionsMax = s.PeerConnectionsMax
	c.GreetingsMax = max(1, min(c.GreetingsMax, s.PeerConnectionsMax/peerGreetingsShare))
}

// client is the way to the leader while another node leads.
func (s *settings) client(log *slog.Logger) forward.ClientConfig {
	c := forward.DefaultClientConfig()
	c.Logger = log
	return c
}

func (s *settings) membership(log *slog.Logger) membership.Config {
	c := s.Membership
	c.Version, c.DataDir, c.Logger = version(), s.Node.DataDir, log
	return c
}

// secretPath returns where the tokens' secret is kept.
func (s *settings) secretPath() string {
	if s.SecretFile != "" {
		return s.SecretFile
	}
	return filepath.Join(s.Node.DataDir, "token-secret")
}

// alone reports whether the node makes a cluster by itself.
func (s *settings) alone() bool { return len(s.Join) == 0 && !s.WaitToJoin }
