package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/pflag"

	journals "onsale/audit/follow"
	"onsale/cluster/certificate"
	"onsale/cluster/forward"
	"onsale/cluster/known"
	"onsale/cluster/reader"
	"onsale/raftfsm/peer"
	"onsale/wal"
	"onsale/wal/journal"
)

// journalFrom is where a journal is that a command follows: in a folder, an archive, or a running cluster.
type journalFrom struct {
	journal string
	cluster clusterJournal
}

func (j *journalFrom) flags(f *pflag.FlagSet) {
	f.StringVar(&j.journal, "journal", "", "a node's journal (DATA/journal), a copy of one, or an archive (file:///PATH, s3://BUCKET/PREFIX)")
	j.cluster.flags(f)
}

// openJournal opens the journal; the caller calls closeIt.
func (j *journalFrom) openJournal(ctx context.Context, log io.Writer) (from journals.Source, closeIt func(), err error) {
	switch {
	case (j.journal == "") == (len(j.cluster.nodes) == 0):
		return nil, nil, fmt.Errorf("%w: say one of --journal and --cluster", errUsage)
	case j.journal == "":
		return j.cluster.open(log)
	}
	from, err = openBlocks(ctx, "--journal", j.journal)
	return from, func() {}, err
}

// clusterJournal is the journal of a running cluster, of which this process is a reader.
type clusterJournal struct {
	nodes                     []string
	id, peerSecret, stateFile string
	number                    uint8
	tls                       security
}

func (j *clusterJournal) flags(f *pflag.FlagSet) {
	f.StringSliceVar(&j.nodes, "cluster", nil, "in place of --journal: HOST:PORT,HOST:PORT,… of the nodes (--peer) of a running cluster; any of them is asked, who leads last")
	f.Uint8Var(&j.number, "cluster-number", 0, "number of the cluster, as its nodes were told; a journal in a data folder has it beside it")
	f.StringVar(&j.id, "id", "reader", "name of this reader; with TLS that of its certificate (onsale tls cert --reader)")
	f.StringVar(&j.peerSecret, "peer-secret-file", "", "secret that the processes of a cluster share that runs without TLS")
	f.StringVar(&j.stateFile, "state-file", "", "file that remembers which cluster was met, so that nodes of one that it succeeded are refused")
	f.StringVar(&j.tls.Authority, "tls-ca", "", "authority of a cluster that runs with TLS")
	f.StringVar(&j.tls.Certificate, "tls-cert", "", "the reader's certificate")
	f.StringVar(&j.tls.Key, "tls-key", "", "file with the private key of --tls-cert")
}

// open returns the journal; the caller calls closeIt.
func (j *clusterJournal) open(to io.Writer) (from journals.Source, closeIt func(), err error) {
	log := slog.New(slog.NewTextHandler(to, &slog.HandlerOptions{Level: slog.LevelWarn}))
	credentials, err := j.tls.open(certificate.Identity{Role: certificate.RoleReader, ID: j.id}, log)
	if err != nil {
		return nil, nil, usage(err)
	}
	if credentials == nil && j.peerSecret == "" {
		return nil, nil, fmt.Errorf("%w: give --peer-secret-file, or --tls-ca, --tls-cert and --tls-key", errUsage)
	}
	secrets, err := readPeerSecrets(j.peerSecret)
	if err != nil {
		return nil, nil, err
	}
	remembered, err := known.Open(wal.OS{}, j.stateFile)
	if err != nil {
		return nil, nil, fmt.Errorf("--state-file: %w", err)
	}
	peers := peerConfig(credentials, secrets, nil, log)
	peers.ID, peers.Role = j.id, peer.Reader
	peers.Known = remembered.Of(j.number, log)
	links := forward.NewLinks(&peers, forward.NewDirectory(j.nodes))
	ask := func(ctx context.Context, address string, q journal.PageQuestion) (journal.Page, error) {
		link, err := links.To(ctx, "", address)
		if err != nil {
			return journal.Page{}, err
		}
		return link.Blocks(ctx, q)
	}
	return reader.New(ask, j.nodes, journal.Head{}), links.Close, nil
}
