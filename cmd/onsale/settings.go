package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/parsers/toml/v2"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/providers/posflag"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"

	"onsale/api"
	"onsale/cluster/backfill"
	"onsale/cluster/forward"
	"onsale/cluster/membership"
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
	Peer       string `koanf:"peer"`
	Advertise  string `koanf:"advertise"`
	JoinAt     string `koanf:"join"`
	SecretFile string `koanf:"secret-file"`

	BootstrapExpect int             `koanf:"bootstrap-expect"`
	Learner         bool            `koanf:"learner"`
	WaitToJoin      bool            `koanf:"wait-to-join"`
	StableTime      time.Duration   `koanf:"stable-time"`
	ClusterNumber   uint8           `koanf:"cluster-number"`
	TLS             security        `koanf:",squash"`
	Payment         paymentSettings `koanf:",squash"`
	Limits          limits          `koanf:",squash"`
	Tokens          tokenSettings   `koanf:",squash"`

	LogFormat string `koanf:"log-format"`
	LogLevel  string `koanf:"log-level"`
	Dev       bool   `koanf:"dev"`
	Config    string `koanf:"config"`

	InboxRequestsMax int           `koanf:"inbox-requests-max"`
	BatchRequestsMax int           `koanf:"batch-requests-max"`
	BatchBytesMax    int           `koanf:"batch-bytes-max"`
	InFlightMax      int           `koanf:"in-flight-max"`
	RPCsInFlightMax  int           `koanf:"rpcs-in-flight-max"`
	HeartbeatTimeout time.Duration `koanf:"heartbeat-timeout"`
	SnapshotBytes    int64         `koanf:"snapshot-bytes"`
	SnapshotEntries  uint64        `koanf:"snapshot-entries"`
	TrailingEntries  uint64        `koanf:"trailing-entries"`
	StallMax         time.Duration `koanf:"stall-max"`

	BackfillBytesPerSecond int `koanf:"backfill-bytes-per-second"`

	TokensCached int            `koanf:"tokens-cached"`
	Door         doorSettings   `koanf:",squash"`
	Streams      streamSettings `koanf:",squash"`
}

// addServerFlags declares the flags with their defaults, which are the packages'.
func addServerFlags(f *pflag.FlagSet) {
	node, tokens := raftfsm.DefaultConfig(), api.DefaultTokenConfig()
	f.String("data-dir", "data", "folder of everything that must survive")
	f.String("node-id", node.NodeID, "this node's id; it belongs to the data folder for ever")
	f.String("http", "127.0.0.1:8101", "where buyers reach this node")
	f.String("private", "127.0.0.1:8201", "where sellers, operators and Prometheus reach it")
	f.String("peer", node.RaftAddress, "where other nodes and front-ends reach it")
	f.String("advertise", "", "under which HOST:PORT they do, when it is not --peer")
	f.String("join", "", "peers' ports of the cluster to join, or of all nodes that make it: HOST:PORT,HOST:PORT,…; empty for one node")
	f.Int("bootstrap-expect", 0, "make the cluster when this many nodes, all that --join names, are there")
	f.Bool("learner", false, "join without a vote, for good")
	f.Bool("wait-to-join", false, "wait until `onsale cluster join` names the cluster")
	f.Duration("stable-time", membership.DefaultConfig().StableTime, "how long a joining node must be healthy before it gets its vote")
	f.Uint8("cluster-number", 0, "of a cluster that is made: part of its orders' uids, for front-ends with several clusters")
	new(security).flags(f)
	addPaymentFlags(f)
	new(streamSettings).flags(f)
	new(limits).flags(f)
	new(doorSettings).flags(f)
	new(tokenSettings).flags(f)
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
	f.Uint64("trailing-entries", node.TrailingEntries, "raft entries that are kept behind a snapshot; a node that lags by more gets the snapshot")
	f.Duration("stall-max", node.StallMax, "how long storing may hang before the process ends")
	f.Int("backfill-bytes-per-second", backfill.DefaultConfig().BytesPerSecond, "bytes a second at which a journal that misses blocks gets them from other members")
	f.Int("tokens-cached", tokens.CacheEntries, "verified tokens that are remembered")
}

// loadSettings reads a node's settings. It returns errUsage for an unknown key.
func loadSettings(flags *pflag.FlagSet) (*settings, error) {
	s := new(settings)
	return s, loadInto(flags, s)
}

// inClustersTable reports whether a key is one of a [clusters.NAME].
func inClustersTable(key string) bool {
	parts := strings.Split(key, ".")
	return len(parts) == 3 && parts[0] == "clusters" && slices.Contains([]string{"nodes", "sales", "number"}, parts[2])
}

// loadInto reads all sources. It returns errUsage for an unknown key.
func loadInto(flags *pflag.FlagSet, s any) error {
	k := koanf.New(".")
	if path := configFile(flags); path != "" {
		if err := k.Load(file.Provider(path), toml.Parser()); err != nil {
			return fmt.Errorf("%w: %s: %w", errUsage, path, err)
		}
	}
	environment := env.Provider(".", env.Opt{Prefix: "ONSALE_", TransformFunc: func(key, value string) (string, any) {
		return strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(key, "ONSALE_"), "_", "-")), value
	}})
	if err := k.Load(environment, nil); err != nil {
		return err
	}
	_, hasTable := s.(*frontEndSettings)
	for _, key := range k.Keys() {
		if flags.Lookup(key) == nil && !(hasTable && inClustersTable(key)) {
			return fmt.Errorf("%w: unknown setting %q in the configuration file or the environment", errUsage, key)
		}
	}
	if err := k.Load(posflag.Provider(flags, ".", k), nil); err != nil {
		return err
	}
	strict := koanf.UnmarshalConf{DecoderConfig: &mapstructure.DecoderConfig{
		DecodeHook: mapstructure.ComposeDecodeHookFunc(mapstructure.StringToTimeDurationHookFunc(), mapstructure.StringToSliceHookFunc(",")),
		Result:     s, WeaklyTypedInput: true, TagName: "koanf",
	}}
	if err := k.UnmarshalWithConf("", s, strict); err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	return nil
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
	c.DataDir, c.NodeID, c.RaftAddress = s.DataDir, s.NodeID, s.Peer
	c.InboxRequestsMax, c.BatchRequestsMax, c.BatchBytesMax = s.InboxRequestsMax, s.BatchRequestsMax, s.BatchBytesMax
	c.InFlightMax, c.RPCsInFlightMax = s.InFlightMax, s.RPCsInFlightMax
	c.HeartbeatTimeout, c.ElectionTimeout = s.HeartbeatTimeout, s.HeartbeatTimeout
	c.LeaseTimeout = s.HeartbeatTimeout * 5 / 6
	c.SnapshotBytes, c.SnapshotEntries, c.StallMax = s.SnapshotBytes, s.SnapshotEntries, s.StallMax
	c.TrailingEntries = s.TrailingEntries
	c.AdvertiseAddress, c.ClusterNumber = s.Advertise, s.ClusterNumber
	if s.JoinAt == "" && !s.WaitToJoin {
		c.Bootstrap = []raftfsm.Member{{ID: s.NodeID, Address: s.Advertise}}
	}
	if err := s.checkJoin(); err != nil {
		return c, err
	}
	return c, c.Validate()
}

// validate checks all that can be checked without a start.
func (s *settings) validate() error {
	if _, err := newLogger(io.Discard, s.LogFormat, s.LogLevel); err != nil {
		return err
	}
	for flag, address := range map[string]string{"http": s.HTTP, "private": s.Private, "peer": s.Peer} {
		if _, _, err := net.SplitHostPort(address); err != nil {
			return fmt.Errorf("%w: --%s is %q, expected is HOST:PORT", errUsage, flag, address)
		}
	}
	if err := s.allow(); err != nil {
		return err
	}
	if err := errors.Join(s.Door.validate(), s.Limits.validate(), s.Tokens.validate(), s.validateBackfill()); err != nil {
		return err
	}
	_, err := s.node()
	return err
}

// join returns the addresses that --join names.
func (s *settings) join() []string {
	var addresses []string
	for _, address := range strings.Split(s.JoinAt, ",") {
		if address = strings.TrimSpace(address); address != "" {
			addresses = append(addresses, address)
		}
	}
	return addresses
}

// checkJoin checks what belongs together.
func (s *settings) checkJoin() error {
	for _, address := range s.join() {
		if _, _, err := net.SplitHostPort(address); err != nil {
			return fmt.Errorf("%w: --join has %q, expected is HOST:PORT", errUsage, address)
		}
	}
	own := s.Advertise
	if own == "" {
		own = s.Peer
	}
	switch expect := s.BootstrapExpect; {
	case expect == 0 && (s.Learner && s.JoinAt == ""):
		return fmt.Errorf("%w: --learner needs --join", errUsage)
	case expect == 0:
	case expect < 0 || expect != len(s.join()) || !slices.Contains(s.join(), own):
		return fmt.Errorf("%w: --bootstrap-expect %d needs --join with the %d addresses of all nodes, this one's (%s) among them; it has %d",
			errUsage, expect, expect, own, len(s.join()))
	case s.Learner:
		return fmt.Errorf("%w: --learner joins a cluster, --bootstrap-expect makes one", errUsage)
	}
	return nil
}

// allow refuses listeners that strangers could reach.
func (s *settings) allow() error {
	secure := s.TLS.Certificate != ""
	if err := s.TLS.allow("peer", s.Peer, secure); err != nil {
		return err
	}
	if err := s.TLS.allow("private", s.Private, secure); err != nil {
		return err
	}
	return s.TLS.allow("http", s.HTTP, s.TLS.HTTPCert != "")
}

// http is what both HTTP listeners need.
func (s *settings) http(log *slog.Logger, secret []byte) (api.Config, error) {
	c := api.DefaultConfig()
	c.Logger = log
	s.Door.apply(&c)
	s.Streams.apply(&c)
	boundFiles(&c, log)
	return c, s.Limits.apply(&c, secret)
}

// client is the way to the leader while another node leads.
func (s *settings) client(log *slog.Logger) forward.ClientConfig {
	c := forward.DefaultClientConfig()
	c.Logger = log
	return c
}

func (s *settings) membership(log *slog.Logger) membership.Config {
	c := membership.DefaultConfig()
	c.StableTime, c.Version, c.DataDir, c.Logger = s.StableTime, version(), s.DataDir, log
	return c
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
