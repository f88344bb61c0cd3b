package main

import (
	"io"
	"log/slog"

	"onsale/api"
	"onsale/api/auth"
	"onsale/cluster/backfill"
	"onsale/cluster/forward"
	"onsale/cluster/membership"
	"onsale/internal/setting"
	"onsale/payment"
	"onsale/raftfsm"
	"onsale/raftfsm/peer"
)

func newProcessSettings(http, private string) processSettings {
	s := processSettings{Set: setting.New(), HTTP: http, Private: private, LogLevel: "info", logLevel: new(slog.LevelVar), stderr: io.Discard,
		Web: api.DefaultConfig(), Tokens: tokenSettings{Config: auth.DefaultConfig()}}
	s.Tokens.Provider.Audience = s.Tokens.Config.Audience
	return s
}

// newSettings declares a node's settings.
func newSettings() *settings {
	s := &settings{processSettings: newProcessSettings("127.0.0.1:8101", "127.0.0.1:8201"), Node: raftfsm.DefaultConfig(),
		Membership: membership.DefaultConfig(), PeerConnectionsMax: peer.DefaultConfig().ConnectionsMax,
		Backfill: backfill.DefaultConfig(),
		Payment:  paymentSettings{Provider: providerNone, LineMax: payment.DefaultConfig().LineMax}}
	s.Node.DataDir = "data"

	s.Group("The node and its addresses")
	s.Add(&s.Node.DataDir, "data-dir", "folder of everything that must survive")
	s.Add(&s.Node.NodeID, "node-id", "id of this node; it belongs to the data folder for ever")
	s.addAddresses()
	s.Add(&s.Node.RaftAddress, "peer", "HOST:PORT where other nodes and front-ends reach this node")
	s.Add(&s.Node.AdvertiseAddress, "advertise",
		"HOST:PORT under which other nodes and front-ends reach this node, when it is not --peer")
	s.Add(&s.Dev, "dev", "run on throw-away data with a demo sale, and print curl lines to paste")
	s.Add(&s.PeerConnectionsMax, "peer-connections-max",
		"connections of other nodes and front-ends at most, four for each node and two for each "+
			"front-end; by default an eighth of the open files, and this at most")
	s.addCluster()
	s.addSecurity()
	s.addPayments()
	s.addTickets()
	s.addListeners()
	s.addLog()
	s.Elsewhere("token", "state-file")
	return s
}

func (s *settings) addCluster() {
	s.Group("The cluster")
	s.Add(&s.Join, "join",
		"HOST:PORT,HOST:PORT,… of the nodes (--peer) whose cluster to join, or of all that make one; "+
			"empty for one node alone")
	s.Add(&s.BootstrapExpect, "bootstrap-expect",
		"number of nodes, all that --join names, that make a cluster when they are there; 0 to make "+
			"none")
	s.Add(&s.Learner, "learner", "join without a vote, for good")
	s.Add(&s.WaitToJoin, "wait-to-join", "wait until \"onsale cluster join\" names the cluster")
	s.Add(&s.Membership.StableTime, "stable-time",
		"time that a joining node must be healthy before it gets a vote")
	s.Add(&s.Node.ClusterNumber, "cluster-number",
		"number of a cluster that is made: part of the uids of orders, for front-ends with several "+
			"clusters")
	s.Add(&s.Backfill.BytesPerSecond, "backfill-bytes-per-second",
		"bytes a second at which a journal that misses blocks gets them from other members")
}

func (s *settings) addPayments() {
	s.Group("Payments")
	s.Add(&s.Payment.Provider, "payment", "payment provider: none (only orders that cost nothing can be paid), sandbox (no real money), or "+
		"stripe")
	s.Add(&s.Payment.URL, "payment-url",
		"http://HOST:PORT of a sandbox that is a process of its own (onsale sandbox), without which "+
			"one node alone can do; for stripe the address of a fake, in tests")
	s.AddSecret(&s.Payment.SecretFile, "payment-secret-file",
		"file with the secret of the sandbox, or with stripe's API key (sk_… or rk_…)")
	s.AddSecret(&s.Payment.WebhookSecretFile, "payment-webhook-secret-file",
		"file with stripe's webhook secret (whsec_…), or with two while they are rotated")
	s.Add(&s.Payment.ReturnURL, "payment-return-url",
		"https://HOST/PATH on the shop's site to which banks send buyers back who authenticated on a "+
			"page of theirs, by stripe, with the order's uid as parameter order; without it that is "+
			"done by Stripe.js on the shop's page")
	s.Add(&s.Payment.Rate, "provider-rate",
		"calls a second that the payment provider takes at most, fewer while it answers that they come "+
			"too fast; 0 for stripe's own (20, in test mode 6), and for a sandbox no bound until it "+
			"says so; what is beyond it waits in a line")
	s.Add(&s.Payment.LineMax, "provider-line-max",
		"time that a payment may wait in the line before the payment provider; one that would wait for longer is "+
			"refused as overloaded")
}

func (s *settings) addTickets() {
	s.Group("Tickets")
	s.AddSecret(&s.TicketKeyFile, "ticket-key-file",
		"file with the key that tickets are signed with (onsale ticket key), the same for all nodes and "+
			"for no front-end; several lines while keys are changed: the first signs, all are told to "+
			"who checks tickets; read again at SIGHUP; without it tickets have numbers and no codes")
}

func (s *settings) addLog() {
	s.Group("The log")
	s.Add(&s.Node.InboxRequestsMax, "inbox-requests-max",
		"requests that may wait for a place in the order; beyond it the answer is overloaded")
	s.Add(&s.Node.BatchRequestsMax, "batch-requests-max", "requests in one raft entry at most")
	s.Add(&s.Node.BatchBytesMax, "batch-bytes-max", "bytes of one raft entry at most")
	s.Add(&s.Node.InFlightMax, "in-flight-max", "raft entries at most that are proposed and not committed")
	s.Add(&s.Node.RPCsInFlightMax, "rpcs-in-flight-max", "appends under way to one follower at most")
	s.Add(&s.Node.HeartbeatTimeout, "heartbeat-timeout",
		"time without a leader after which a node asks for an election")
	s.Add(&s.Node.SnapshotBytes, "snapshot-bytes", "bytes of log after which a snapshot is taken")
	s.Add(&s.Node.SnapshotEntries, "snapshot-entries", "raft entries after which a snapshot is taken")
	s.Add(&s.Node.TrailingEntries, "trailing-entries",
		"raft entries that are kept behind a snapshot, for nodes that lag")
	s.Add(&s.Node.PeerAwayMax, "member-away-max",
		"time for which more is kept for a member that does not answer; one that comes back later gets a snapshot")
	s.Add(&s.Node.LogKeptBytesMax, "log-kept-bytes-max",
		"bytes up to which the log is kept for members that lag or are sent a snapshot")
	s.Add(&s.Node.DiskReserveBytes, "disk-reserve-bytes",
		"bytes that must stay free on the disk, and twice the largest snapshot besides: while fewer voters "+
			"than a quorum have as much, buys are refused as storage-low and payments live on the rest")
	s.Add(&s.Node.OutageGrace, "outage-grace",
		"time for which nobody may lead, while holds are running, before they get it back")
	s.Add(&s.Node.OutageMax, "outage-max",
		"time that one hold gets back at most, for outages and while the payment provider cannot be reached")
	s.Add(&s.Node.StallMax, "stall-max",
		"time for which a call of the disk, or deciding a batch, may not return before it hangs: the process "+
			"of a store ends then, and a leader that decides nothing hands over")
	s.Add(&s.Node.StallTogetherMax, "stall-together-max",
		"time after which the process ends in any case, also when the disks of a majority hang at once")
}

// newFrontEndSettings declares a front-end's settings.
func newFrontEndSettings() *frontEndSettings {
	s := &frontEndSettings{processSettings: newProcessSettings("127.0.0.1:8301", "127.0.0.1:8401"), ID: "f1",
		Forward: forward.DefaultClientConfig()}
	s.Group("The front-end and its addresses")
	s.Add(&s.ID, "id", "id of this front-end")
	s.addAddresses()
	s.Add(&s.Cluster, "cluster",
		"HOST:PORT,HOST:PORT,… of the nodes (--peer) of the cluster; several clusters are told in "+
			"the table [clusters.NAME] of --config, which is read again when the file changes, and at "+
			"SIGHUP")
	s.Add(&s.StateFile, "state-file",
		"file in which this front-end remembers which cluster it goes by, so that it refuses nodes of "+
			"one that was restored or recovered elsewhere, also after a restart; a file of its own, made "+
			"when it is not there; without one a start trusts the cluster that it meets first")
	s.Add(&s.Forward.QueueRequestsMax, "queue-requests-max",
		"requests that may wait for the leader; beyond it the answer is overloaded")
	s.addSecurity()
	s.addListeners()
	s.Table(&s.Clusters, "clusters", clustersHelp)
	s.Elsewhere(append(newSettings().Names(), "token")...)
	return s
}

// clustersHelp explains the table in the example file.
const clustersHelp = `## Clusters, when there are several (instead of cluster)

# Each sale is sold by the cluster that serves its id. The table is read again when this file
# changes, and at SIGHUP.
#[clusters.main]
#nodes = ["10.0.0.1:7101", "10.0.0.2:7101", "10.0.0.3:7101"]
#number = 0
#[clusters.hot]
#nodes = ["10.0.1.1:7101", "10.0.1.2:7101", "10.0.1.3:7101"]
## As the cluster's nodes were told: serve --cluster-number 1.
#number = 1
## Ids of the sales that the cluster serves, with * and ?; no two clusters' may overlap.
## None, for one cluster at most: every sale that no other cluster's match.
#sales = ["worldtour-*"]
`

func (s *processSettings) addAddresses() {
	s.Add(&s.HTTP, "http", "HOST:PORT where buyers reach this process")
	s.Add(&s.Private, "private", "HOST:PORT where sellers, operators and Prometheus reach this process")
	s.addLogs()
}

func (s *processSettings) addLogs() {
	s.Add(&s.LogFormat, "log-format",
		"format of the log, text or json; by default text on a terminal and json elsewhere")
	s.Add(&s.LogLevel, "log-level", "least level that is logged: debug, info, warn or error; read again at SIGHUP")
	s.Add(&s.AuditLog, "audit-log",
		"file of the audit log, a line of JSON for each verb of a seller or an operator and for who was refused; "+
			"made for its owner alone, opened anew at SIGHUP; by default the lines go to stderr")
}

func (s *processSettings) addSecurity() {
	s.Group("Who may connect")
	s.AddFile(&s.TLS.Authority, "tls-ca",
		"file with the certificate of the cluster's authority (onsale tls ca); with --tls-cert and "+
			"--tls-key everything but the buyers' listener is mutual TLS 1.3")
	s.AddFile(&s.TLS.Certificate, "tls-cert", "file with the certificate of this process (onsale tls cert)")
	s.AddKey(&s.TLS.Key, "tls-key", "file with the private key of --tls-cert")
	s.AddSecret(&s.PeerSecretFile, "peer-secret-file",
		"file with the secret that nodes and front-ends prove to each other that they have, at least 32 "+
			"bytes, the same for all; one node alone without TLS makes its own in the data folder, with TLS "+
			"there need be none; to change it, a second line has the one before (none: no secret)")
	s.Add(&s.TLS.Insecure, "insecure", "listen beyond loopback without TLS")
	s.AddFile(&s.TLS.HTTPCert, "http-tls-cert",
		"file with the certificate of the buyers' listener, as browsers know it")
	s.AddKey(&s.TLS.HTTPKey, "http-tls-key", "file with the private key of --http-tls-cert")

	s.Add(&s.Web.PrivateHosts, "private-hosts",
		"names under which the private listener is asked without TLS, beside addresses, localhost, this "+
			"machine's name and those in the HOST:PORT of this process; a request for another name is refused")

	s.Group("Tokens")
	s.AddSecret(&s.SecretFile, "secret-file",
		"file with the secrets of the tokens, one a line, each of at least 32 bytes, the same for all nodes "+
			"and front-ends: the first signs, all verify; read again when it changes; one node alone makes "+
			"its own in a new data folder")
	s.AddFile(&s.Tokens.KeyFile, "jwks-file",
		"file with the public keys (JSON Web Key Set) of where buyers log in: tokens by RS256, ES256 "+
			"or EdDSA; read again when it changes")
	s.AddFile(&s.Tokens.RevokedFile, "revoked-file",
		"file with tokens that are refused though they have not ended, a line each: user NAME before TIME, or "+
			"jti ID (onsale token revoke); read again when it changes")
	s.AddSecret(&s.PseudonymsFile, "pseudonyms-file",
		"file with keys, one a line, the same for all nodes and front-ends: what is written has a hash under the "+
			"first one in place of a buyer's name, in sales that are created from then on; the others are for "+
			"sales that are not over")
	s.Add(&s.Tokens.Provider.Issuer, "token-issuer",
		"issuer (iss) that tokens of --jwks-file must have; needed with it")
	s.Add(&s.Tokens.Provider.Audience, "token-audience", "audience (aud) that tokens of --jwks-file must contain")
	s.Add(&s.Tokens.Provider.BuyersOnly, "token-buyers-only",
		"take every token of --jwks-file for a buyer's, whatever roles it claims")
	s.Add(&s.Tokens.Config.Leeway, "token-leeway", "time by which the clock of who signs tokens may differ")
	s.Add(&s.Tokens.Config.CacheEntries, "tokens-cached", "verified tokens that are remembered at most")
}

func (s *processSettings) addListeners() {
	s.Group("What buyers may do how often")
	s.Add(&s.Web.UserRequestsPerSecond, "user-requests-per-second", "requests a second of a user; 0 for no limit")
	s.Add(&s.Web.UserBurst, "user-burst", "requests of a user that may come at once")
	s.Add(&s.Web.AddressRequestsPerSecond, "address-requests-per-second",
		"requests a second of a network, an IPv4 /24 or an IPv6 /64; 0 for no limit. Thousands of "+
			"buyers share an address behind a carrier's NAT: 100 is low")
	s.Add(&s.Web.AddressBurst, "address-burst", "requests of a network that may come at once")
	s.Add(&s.Web.LimitedUsersMax, "limited-users-max", "users whose requests are counted at most")
	s.Add(&s.Web.LimitedAddressesMax, "limited-addresses-max", "networks whose requests are counted at most")
	s.Add(&s.TrustedProxies, "trusted-proxies",
		"networks of proxies whose X-Forwarded-For is believed: 10.0.0.0/8,192.0.2.7")
	s.Add(&s.ChallengeBits, "challenge-bits",
		"bits of work, 1 to 30, that each buyer's processor must do before a buy: 20 is a second or "+
			"two on a telephone, each more doubles it; 0 for none")
	s.AddSecret(&s.ChallengeSecretFile, "challenge-secret-file",
		"file with the secrets of these challenges, as --secret-file has those of tokens; without one they "+
			"are made with the tokens' secrets")

	s.Group("What connections and requests may cost")
	s.Add(&s.Web.ConnectionsMax, "connections-max",
		"connections of buyers at most, without event streams; beyond it idle ones give way that had "+
			"no valid token within --idle-timeout, and without such the answer is overloaded. By default "+
			"as many as the limit of open files leaves room for, and this at most")
	s.Add(&s.Web.ConnectionsPerAddressMax, "connections-per-address-max",
		"connections of one address (IPv6: a /64) at most, event streams included; 0 for no bound. "+
			"--trusted-proxies are not bounded")
	s.Add(&s.Web.PrivateConnectionsMax, "private-connections-max",
		"connections of the private listener at most; beyond it idle ones give way that showed no "+
			"certificate or valid token")
	s.Add(&s.Web.HeaderBytesMax, "header-bytes-max",
		"bytes of a request's line and header at most; each request that is being read has a buffer of "+
			"this size")
	s.Add(&s.Web.HeaderLinesMax, "header-lines-max", "header lines of a buyer's request at most")
	s.Add(&s.Web.URIBytesMax, "uri-bytes-max", "bytes of a request's target at most")
	s.Add(&s.Web.BodyBytesMax, "body-bytes-max", "bytes of a request's body at most")
	s.Add(&s.Web.WebhookBytesMax, "webhook-bytes-max", "bytes of the body of a payment provider's webhook at most")
	s.Add(&s.Web.ReadTimeout, "read-timeout",
		"time that a request may take to arrive, and a new connection to begin one")
	s.Add(&s.Web.WriteTimeout, "write-timeout", "time that an answer may take to be written")
	s.Add(&s.Web.IdleTimeout, "idle-timeout", "time that a connection may be silent between two requests")
	s.Add(&s.Web.StreamsMax, "streams-max", "open event streams at most; beyond it the answer is overloaded")
	s.Add(&s.Web.StreamsPerUserMax, "streams-per-user-max",
		"open event streams of one user's orders at most; 0 for no bound")
	s.Add(&s.Web.StreamInterval, "stream-interval", "shortest time between two events about a sale to who listens")
	s.Add(&s.Web.PollsMax, "polls-max", "requests at most that wait for their order to change (?wait=)")
	s.Add(&s.Web.PollsPerUserMax, "polls-per-user-max",
		"requests of one user at most that wait so; 0 for no bound")
	s.Add(&s.Web.PayWait, "pay-wait",
		"time that a payment waits for the provider before the buyer is told to look again")
}
