/** Starts a consumer for one partition, asynchronously: a Lambda invocation, or a task in the same process. */
export interface ConsumerInvoker {
  /**
   * Resolves once the request is accepted, not when the consumer ends.
   * @throws PulsehouseError PH_INVOKE_FAILED (retryable), PH_INVOKE_REFUSED (terminal: no other start will be let through).
   */
  invoke(pipeline: string, partition: number, deadline: number): Promise<void>;
  /** Whether a consumer asked for has not begun because so many others are at work: nothing is wrong with its partition. */
  isWaiting?(partition: number): boolean;
}
