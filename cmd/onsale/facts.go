package main

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/procfs"

	"onsale/cluster/membership"
)

// facts are what this node says of itself the night before a sale. What the system does not tell is
// zero, which counts as not known.
func (v *server) facts(ctx context.Context) membership.Facts {
	f := membership.Facts{Memory: memory(), BackupAt: v.backups().newest()}
	_, f.TicketKeys = v.tickets.Describe()
	f.Files.Buyers = uint64(v.settings.Web.ConnectionsMax + v.settings.Web.StreamsMax)
	if self, err := procfs.Self(); err == nil {
		if limits, err := self.Limits(); err == nil {
			f.Files.Max = limits.OpenFiles
		}
		if open, err := self.FileDescriptorsLen(); err == nil {
			f.Files.Open = uint64(open)
		}
		if stat, err := self.Stat(); err == nil {
			f.Memory.Resident = uint64(stat.ResidentMemory())
		}
	}
	if v.desk != nil { // a node that only shows what it has takes no payments
		if is := v.desk.Probe(ctx); is != nil {
			f.Provider = &membership.Provider{Name: is.Name, Account: is.Account, Accepted: is.Accepted, Error: is.Error, NoticeAt: is.NoticeAt, BadNotices: is.BadNotices}
		}
	}
	return f
}

// memory returns what the machine has available, or less when the process' control group may
// take less.
func memory() (m membership.Memory) {
	if fs, err := procfs.NewDefaultFS(); err == nil {
		if info, err := fs.Meminfo(); err == nil && info.MemAvailableBytes != nil {
			m.Available = *info.MemAvailableBytes
		}
	}
	limit, limited := groupBytes("memory.max")
	used, known := groupBytes("memory.current")
	if limited && known {
		m.Available = min(m.Available, limit-min(limit, used))
	}
	return m
}

// groupBytes reads one number of the control group that a container has for itself (version 2);
// false where there is none or it says max.
func groupBytes(name string) (bytes uint64, known bool) {
	data, err := os.ReadFile(filepath.Join("/sys/fs/cgroup", name))
	if err != nil {
		return 0, false
	}
	bytes, err = strconv.ParseUint(strings.TrimSpace(string(data)), 10, 64)
	return bytes, err == nil
}

// backupName is the file of a data folder whose time of change is when the newest backup was taken
// from the node. It is empty: what matters of it cannot be half written, and is gone with the folder.
const backupName = "last-backup"

// backupNote is when the newest backup was taken from a node.
type backupNote struct{ path string }

func (v *server) backups() backupNote {
	return backupNote{filepath.Join(v.settings.Node.DataDir, backupName)}
}

// taken notes that a backup was written to its end. One that its caller lost on the way counts: the
// caller checks what it has, and says so.
func (b backupNote) taken(now time.Time) error {
	f, err := os.OpenFile(b.path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		err = f.Close()
	}
	if err == nil {
		err = os.Chtimes(b.path, now, now)
	}
	return err
}

// newest returns when that was; nil for never.
func (b backupNote) newest() *time.Time {
	info, err := os.Stat(b.path)
	if err != nil {
		return nil
	}
	at := info.ModTime().UTC()
	return &at
}

// noteBackup notes that a backup was taken now. That it cannot be noted is no reason to refuse one.
func (v *server) noteBackup() {
	if err := v.backups().taken(time.Now()); err != nil {
		v.log.Warn("a backup was taken, and that cannot be noted: onsale preflight does not know of it", "error", err)
	}
}
