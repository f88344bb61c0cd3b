package secretfile

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What others can read or change is refused with what to do; what the owner alone, or the
// group, can read is read.
func TestModes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	for mode, says := range map[fs.FileMode]string{
		0o600: "", 0o400: "", 0o640: "", 0o440: "",
		0o644: "every user of this machine can read it (mode 0644); say chmod 600 " + path,
		0o604: "every user", 0o666: "every user", 0o444: "every user",
		0o602: "can change it", 0o620: "can change it", 0o660: "can change it",
	} {
		if err := os.WriteFile(path, []byte("secret"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		data, err := Read(path)
		switch {
		case says == "" && (err != nil || string(data) != "secret"):
			t.Errorf("mode %04o: %q, %v", mode, data, err)
		case says != "" && (!errors.Is(err, ErrExposed) || !strings.Contains(err.Error(), says) || data != nil):
			t.Errorf("mode %04o: %q, %v", mode, data, err)
		}
		if checked := Check(path); (checked == nil) != (err == nil) {
			t.Errorf("mode %04o: read %v, checked %v", mode, err, checked)
		}
	}
}

func TestGroupReads(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	if GroupReads(path) {
		t.Error("a file that is not there")
	}
	for mode, want := range map[fs.FileMode]bool{0o600: false, 0o640: os.Getuid() != 0, 0o440: os.Getuid() != 0} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if GroupReads(path) != want {
			t.Errorf("mode %04o: %v", mode, !want)
		}
	}
	if os.Getuid() == 0 { // root's group is how a key is handed to a service; anybody else's is not
		if err := errors.Join(os.Chmod(path, 0o640), os.Chown(path, 12345, -1)); err != nil {
			t.Fatal(err)
		}
		if !GroupReads(path) {
			t.Error("another user's file with a group")
		}
	}
}

// What is made is for its owner, random, and stays when it is made again.
func TestMake(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "secret")
	for range 2 {
		if err := Make(path); err != nil {
			t.Fatal(err)
		}
	}
	first, err := Read(path)
	if err != nil || len(bytes.TrimSpace(first)) != 2*RandomBytes {
		t.Fatalf("%q, %v", first, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if err := Make(path); err != nil {
		t.Fatal(err)
	}
	if again, err := Read(path); err != nil || !bytes.Equal(first, again) {
		t.Errorf("made again it is another one: %v", err)
	}
	if files, err := os.ReadDir(filepath.Dir(path)); err != nil || len(files) != 1 {
		t.Errorf("%v is left, %v", files, err)
	}
}

func TestUnreadable(t *testing.T) {
	dir := t.TempDir()
	if _, err := Read(dir); err == nil || !strings.Contains(err.Error(), "is a folder") {
		t.Errorf("a folder: %v", err)
	}
	if _, err := Read(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("none: %v", err)
	}
	long := filepath.Join(dir, "long")
	if err := os.WriteFile(long, make([]byte, bytesMax+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(long); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("a long one: %v", err)
	}
	if err := Make(filepath.Join(long, "below", "secret")); err == nil {
		t.Error("a folder was made below a file")
	}
}

func TestLines(t *testing.T) {
	if lines := Lines([]byte("\n a \r\n\n\tb")); len(lines) != 2 || string(lines[0]) != "a" || string(lines[1]) != "b" {
		t.Errorf("%q", lines)
	}
}
