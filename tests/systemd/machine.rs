//! The machine itself: what the other tests rely on.

use crate::bed::Bed;

#[test]
fn a_login_is_a_session_of_logind_with_a_user_manager_and_its_disk_outlives_a_power_cut() {
    let Some(mut bed) = Bed::boot() else { return };
    let boot = |bed: &Bed| bed.root(&["cat", "/proc/sys/kernel/random/boot_id"]);
    let first = boot(&bed);
    {
        let ada = bed.user("ada");
        let said =
            ada.by_ssh("cat /proc/self/cgroup; echo $XDG_RUNTIME_DIR; systemctl --user is-system-running");
        let scope = format!("0::/user.slice/user-{}.slice/session-", ada.uid);
        assert!(said.contains(&scope) && said.contains(".scope\n"), "{said}");
        assert!(said.ends_with(&format!("/run/user/{}\nrunning\n", ada.uid)), "{said}");
        ada.by_ssh("echo kept > ~/file");
    }
    bed.power_cut();
    bed.boot_again();
    let second = boot(&bed);
    assert_ne!(first, second);
    assert_eq!(bed.root(&["cat", "/home/ada/file"]), "kept\n");
    bed.reboot();
    assert_ne!(boot(&bed), second);
    assert_eq!(bed.root(&["cat", "/home/ada/file"]), "kept\n");
}
