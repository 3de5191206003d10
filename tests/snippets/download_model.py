import lmchat as lms


def print_progress_update(update: lms.DownloadProgressUpdate) -> None:
    print(
        f"Downloaded {update.downloaded_bytes} bytes of {update.total_bytes} total "
        f"at {update.speed_bytes_per_second} bytes/sec"
    )


with lms.Client() as client:
    search_results = client.repository.search_models(search_term="llama 3.2 1b", limit=5, compatibility_types=["gguf"])
    best_result = search_results[0]
    download_options = best_result.get_download_options()
    desired_model = next(option for option in download_options if option.info.quantization == "Q4_K_M")
    model_key = desired_model.download(
        on_progress=print_progress_update,
        on_finalize=lambda: print("Finalizing download..."),
    )
    print("Key:", model_key)
    print("Memory:", client.llm.estimate_usage(model_key).memory.total_bytes)
