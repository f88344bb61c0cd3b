package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/knadh/koanf/parsers/toml/v2"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/providers/posflag"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"

	"onsale/api"
	"onsale/raftfsm"
)

// settings is what a server can be told. A flag wins over an environment variable
// (ONSALE_DATA_DIR for data-dir), that over the configuration file, that over the
// default.
type settings struct {
	DataDir    string `koanf:"data-dir"`
	NodeID     string `koanf:"node-id"`
	HTTP       string `koanf:"http"`
	Private    string `koanf:"private"`
	Raft       string `koanf:"raft"`
	Peers      string `koanf:"peers"`
	SecretFile string `koanf:"secret-file"`
	LogFormat  string `koanf:"log-format"`
	LogLevel   string `koanf:"log-level"`
	Dev        bool   `koanf:"dev"`
	Config     string `koanf:"config"`

	InboxRequestsMax  int           `koanf:"inbox-requests-max"`
	BatchRequestsMax  int           `koanf:"batch-requests-max"`
	BatchBytesMax     int           `koanf:"batch-bytes-max"`
	InFlightMax       int           `koanf:"in-flight-max"`
	RPCsInFlightMax   int           `koanf:"rpcs-in-flight-max"`
	HeartbeatTimeout  time.Duration `koanf:"heartbeat-timeout"`
	SnapshotBytes     int64         `koanf:"snapshot-bytes"`
	SnapshotEntries   uint64        `koanf:"snapshot-entries"`
	StallMax          time.Duration `koanf:"stall-max"`
	TokensCached      int           `koanf:"tokens-cached"`
	ConnectionsMax    int           `koanf:"connections-max"`
	ConnectionsPerMax int           `koanf:"connections-per-address-max"`
}

// addServerFlags declares the flags with their defaults, which are the packages'.
func addServerFlags(f *pflag.FlagSet) {
	node, web, tokens := raftfsm.DefaultConfig(), api.DefaultConfig(), api.DefaultTokenConfig()
	f.String("data-dir", "data", "folder of everything that must survive")
	f.String("node-id", node.NodeID, "this node's id; it belongs to the data folder for ever")
	f.String("http", "127.0.0.1:8101", "where buyers reach this node")
	f.String("private", "127.0.0.1:8201", "where sellers, operators and Prometheus reach it")
	f.String("raft", node.RaftAddress, "where the other nodes reach it")
	f.String("peers", "", "the known set, the same on each node: n1=RAFT/HTTP,n2=RAFT/HTTP,…; empty for one node")
	f.String("secret-file", "", "secret of the tokens, at least 32 bytes; one node alone makes its own in the data folder")
	f.String("log-format", "", "text or json; by default text on a terminal")
	f.String("log-level", "info", "debug, info, warn or error")
	f.Bool("dev", false, "throw-away data, a demo sale and curl lines to paste")
	f.String("config", "", "TOML file with these settings")
	f.Int("inbox-requests-max", node.InboxRequestsMax, "requests that may wait for their place; beyond it the answer is overloaded")
	f.Int("batch-requests-max", node.BatchRequestsMax, "requests in one raft entry")
	f.Int("batch-bytes-max", node.BatchBytesMax, "bytes of one raft entry")
	f.Int("in-flight-max", node.InFlightMax, "raft entries that are proposed and not committed")
	f.Int("rpcs-in-flight-max", node.RPCsInFlightMax, "appends under way to one follower")
	f.Duration("heartbeat-timeout", node.HeartbeatTimeout, "after how long without a leader a node asks for an election")
	f.Int64("snapshot-bytes", node.SnapshotBytes, "bytes of log after which a snapshot is taken")
	f.Uint64("snapshot-entries", node.SnapshotEntries, "raft entries after which a snapshot is taken")
	f.Duration("stall-max", node.StallMax, "how long storing may hang before the process ends")
	f.Int("tokens-cached", tokens.CacheEntries, "verified tokens that are remembered")
	f.Int("connections-max", web.ConnectionsMax, "buyers' connections")
	f.Int("connections-per-address-max", web.ConnectionsPerAddressMax, "connections of one address; 0 for no bound")
}

// loadSettings reads all sources. It returns errUsage for an unknown key.
func loadSettings(flags *pflag.FlagSet) (*settings, error) {
	k := koanf.New(".")
	if path := configFile(flags); path != "" {
		if err := k.Load(file.Provider(path), toml.Parser()); err != nil {
			return nil, fmt.Errorf("%w: %s: %w", errUsage, path, err)
		}
	}
	environment := env.Provider(".", env.Opt{Prefix: "ONSALE_", TransformFunc: func(key, value string) (string, any) {
		return strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(key, "ONSALE_"), "_", "-")), value
	}})
	if err := k.Load(environment, nil); err != nil {
		return nil, err
	}
	for _, key := range k.Keys() {
		if flags.Lookup(key) == nil {
			return nil, fmt.Errorf("%w: unknown setting %q in the configuration file or the environment", errUsage, key)
		}
	}
	if err := k.Load(posflag.Provider(flags, ".", k), nil); err != nil {
		return nil, err
	}
	s := new(settings)
	if err := k.Unmarshal("", s); err != nil {
		return nil, fmt.Errorf("%w: %w", errUsage, err)
	}
	return s, nil
}

func configFile(flags *pflag.FlagSet) string {
	if path, _ := flags.GetString("config"); path != "" {
		return path
	}
	return os.Getenv("ONSALE_CONFIG")
}

// node turns the settings into a node's configuration.
func (s *settings) node() (raftfsm.Config, error) {
	c := raftfsm.DefaultConfig()
	c.DataDir, c.NodeID, c.RaftAddress, c.HTTPAddress = s.DataDir, s.NodeID, s.Raft, s.HTTP
	c.InboxRequestsMax, c.BatchRequestsMax, c.BatchBytesMax = s.InboxRequestsMax, s.BatchRequestsMax, s.BatchBytesMax
	c.InFlightMax, c.RPCsInFlightMax = s.InFlightMax, s.RPCsInFlightMax
	c.HeartbeatTimeout, c.ElectionTimeout = s.HeartbeatTimeout, s.HeartbeatTimeout
	c.LeaseTimeout = s.HeartbeatTimeout * 5 / 6
	c.SnapshotBytes, c.SnapshotEntries, c.StallMax = s.SnapshotBytes, s.SnapshotEntries, s.StallMax
	peers, err := parsePeers(s.Peers)
	if err != nil {
		return c, err
	}
	c.Peers = peers
	if len(peers) == 0 {
		// Nobody can call a false election of one: take office at once.
		c.HeartbeatTimeout, c.ElectionTimeout, c.LeaseTimeout = soloTimeout, soloTimeout, soloTimeout
	}
	return c, c.Validate()
}

// validate checks all that can be checked without a start.
func (s *settings) validate() error {
	if _, err := newLogger(io.Discard, s.LogFormat, s.LogLevel); err != nil {
		return err
	}
	for flag, address := range map[string]string{"http": s.HTTP, "private": s.Private, "raft": s.Raft} {
		if _, _, err := net.SplitHostPort(address); err != nil {
			return fmt.Errorf("%w: --%s is %q, expected is HOST:PORT", errUsage, flag, address)
		}
	}
	_, err := s.node()
	return err
}

// soloTimeout is the election timeout of a cluster of one.
const soloTimeout = 50 * time.Millisecond

// parsePeers reads "n1=RAFT/HTTP,n2=RAFT/HTTP".
func parsePeers(text string) ([]raftfsm.Peer, error) {
	if text == "" {
		return nil, nil
	}
	var peers []raftfsm.Peer
	for _, part := range strings.Split(text, ",") {
		id, addresses, okID := strings.Cut(strings.TrimSpace(part), "=")
		raftAddress, httpAddress, okAddress := strings.Cut(addresses, "/")
		_, _, errRaft := net.SplitHostPort(raftAddress)
		_, _, errHTTP := net.SplitHostPort(httpAddress)
		if !okID || !okAddress || errRaft != nil || errHTTP != nil {
			return nil, fmt.Errorf("%w: --peers has %q, expected is ID=HOST:PORT/HOST:PORT (raft, then HTTP)", errUsage, part)
		}
		peers = append(peers, raftfsm.Peer{ID: id, RaftAddress: raftAddress, HTTPAddress: httpAddress})
	}
	return peers, nil
}

// secretPath returns where the tokens' secret is kept.
func (s *settings) secretPath() string {
	if s.SecretFile != "" {
		return s.SecretFile
	}
	return filepath.Join(s.DataDir, "token-secret")
}

// errNoSecret is returned when several nodes would each make their own secret.
var errNoSecret = errors.New("several nodes need the same --secret-file")
