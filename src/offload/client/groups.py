"""Groups over HTTP: jobs that were started together, looked at and stopped as one."""

from offload.client.jobs import OfJobs
from offload.client.sending import View, given


class OfGroups(OfJobs):
    """Does what is asked of groups."""

    def group(self, group_id: int) -> View:
        """Return a group: its `counts`, its `progress`, and whether it is `done`.

        Raises:
            UnknownGroup: there is none.
        """
        found: View = self._get(f"/v1/groups/{group_id}")
        return found

    def cancel_group(self, group_id: int) -> View:
        """Ask for all jobs of a group to be cancelled; `changed` says how many that changed.

        Raises:
            UnknownGroup: there is none.
        """
        return self._of_group(group_id, "cancel")

    def pause_group(self, group_id: int, reason: str | None = None) -> View:
        """Ask for all jobs of a group to stand still; `changed` says how many that changed.

        Raises:
            UnknownGroup: there is none.
        """
        return self._of_group(group_id, "pause", given(reason=reason))

    def resume_group(self, group_id: int) -> View:
        """Let all paused jobs of a group go on; `changed` says how many that changed.

        Raises:
            UnknownGroup: there is none.
        """
        return self._of_group(group_id, "resume")

    def retry_group(self, group_id: int) -> View:
        """Try all jobs of a group that failed anew; `changed` says how many.

        Raises:
            QueueFull: there is no room for any of them.
            StoreUncertain: the server never said what became of it.
            UnknownGroup: there is none.
        """
        group: View = self._send("POST", f"/v1/groups/{group_id}/retry")
        return group

    def _of_group(self, group_id: int, what: str, said: View | None = None) -> View:
        group: View = self._wish("POST", f"/v1/groups/{group_id}/{what}", said)
        return group
