package known

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"os"
	"sync"

	"onsale/raftfsm/peer"
	"onsale/wal"
)

// ErrFile is returned when a state file is not what was written, or of another format; the
// message says what it is. It is not changed.
var ErrFile = errors.New("not a sound state file")

// ErrVersion is returned when a state file is of another version than this program's.
var ErrVersion = errors.New("state file of another version")

// fileVersion is the version of a state file, which is JSON:
//
//	{
//	  "version": 1,
//	  "clusters": [
//	    {"number": 0, "births": ["5f0c…", "a71b…"]}   ids in hexadecimal, oldest first
//	  ],                                              by number
//	  "checksum": "89abcdef"                          CRC-32C of the JSON without white space,
//	}                                                 with an empty checksum
const fileVersion = 1

// fileBytesMax bounds a state file: all numbers with all births.
const fileBytesMax = 1 << 24

type content struct {
	Version  int     `json:"version"`
	Clusters []entry `json:"clusters"`
	Checksum string  `json:"checksum"`
}

type entry struct {
	Number uint8    `json:"number"`
	Births []string `json:"births"`
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (c content) checksum() string {
	c.Checksum = ""
	data, err := json.Marshal(c)
	if err != nil {
		panic(err) // strings and numbers
	}
	return fmt.Sprintf("%08x", crc32.Checksum(data, castagnoli))
}

// File is what a process knows of its clusters. All methods are safe for concurrent use.
type File struct {
	files wal.Files
	path  string // "" keeps it in memory alone

	mu       sync.Mutex
	clusters [256]*Cluster // by number; nil when nobody asked for it
	newest   map[uint8]peer.Lineage
}

// Open reads a state file, or makes it when it is not there; with the path "" what is
// known ends with the process. ErrFile, ErrVersion.
func Open(files wal.Files, path string) (*File, error) {
	f := &File{files: files, path: path, newest: map[uint8]peer.Lineage{}}
	if path == "" {
		return f, nil
	}
	data, err := readFile(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		err = f.write(f.newest) // so that one that cannot be written is noticed now
	case err == nil:
		err = f.parse(data)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

func readFile(path string) ([]byte, error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(in, fileBytesMax+1))
	if err == nil && len(data) > fileBytesMax {
		err = fmt.Errorf("%w: it has over %d bytes", ErrFile, fileBytesMax)
	}
	return data, errors.Join(err, in.Close())
}

func (f *File) parse(data []byte) error {
	var c content
	if err := json.Unmarshal(data, &c); err != nil {
		return fmt.Errorf("%w: %w", ErrFile, err)
	}
	if c.Version != fileVersion {
		return fmt.Errorf("%w: %d, this program knows %d", ErrVersion, c.Version, fileVersion)
	}
	if sum := c.checksum(); sum != c.Checksum {
		return fmt.Errorf("%w: it has the checksum %q, its content has %s", ErrFile, c.Checksum, sum)
	}
	for _, e := range c.Clusters {
		births, err := parseBirths(e.Births)
		if err != nil {
			return fmt.Errorf("%w: cluster %d: %w", ErrFile, e.Number, err)
		}
		f.newest[e.Number] = births
	}
	return nil
}

func parseBirths(texts []string) (births peer.Lineage, err error) {
	if len(texts) == 0 || len(texts) > peer.BirthsMax {
		return nil, fmt.Errorf("%d births, allowed are 1 to %d", len(texts), peer.BirthsMax)
	}
	for _, text := range texts {
		id, err := peer.ParseClusterID(text)
		if err != nil {
			return nil, err
		}
		births = append(births, id)
	}
	return births, nil
}

// write replaces the file.
func (f *File) write(newest map[uint8]peer.Lineage) error {
	if f.path == "" {
		return nil
	}
	c := content{Version: fileVersion, Clusters: []entry{}}
	for number := range len(f.clusters) {
		births, is := newest[uint8(number)]
		if !is {
			continue
		}
		e := entry{Number: uint8(number)}
		for _, id := range births {
			e.Births = append(e.Births, id.String())
		}
		c.Clusters = append(c.Clusters, e)
	}
	c.Checksum = c.checksum()
	data, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	return wal.ReplaceFile(f.files, f.path, append(data, '\n'))
}

// Of returns what is known of the cluster with a number; log is told of what is met.
func (f *File) Of(number uint8, log *slog.Logger) *Cluster {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.clusters[number] == nil {
		c := &Cluster{file: f, number: number, log: log}
		births := f.newest[number]
		c.births.Store(&births)
		f.clusters[number] = c
	}
	return f.clusters[number]
}
