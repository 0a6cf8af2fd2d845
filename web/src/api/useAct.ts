import { useState } from "react";

export interface Act {
  busy: boolean;
  error: unknown;
  act: (send: () => Promise<unknown>) => Promise<void>;
}

/** Sending something that changes things: one at a time, with the error kept for the reader. */
export function useAct(onDone: () => void): Act {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const act = async (send: () => Promise<unknown>) => {
    setBusy(true);
    setError(null);
    try {
      await send();
      onDone();
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  };
  return { busy, error, act };
}
